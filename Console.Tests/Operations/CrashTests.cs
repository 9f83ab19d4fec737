using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Operations.Store;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

/// <summary>What a crash between two writes leaves, written by hand: nothing of it stays.</summary>
public sealed class CrashTests
{
    private static TestHandler Work => new("work", (_, _) => Task.FromResult<object?>(null));

    private static Task ExecuteAsync(TestDatabase database, string sql, object values) => database.Db.TransactionAsync(c => c.ExecuteAsync(sql, values), CancellationToken.None);

    [Theory, DatabaseData]
    public async Task A_row_whose_job_was_never_made_is_started_by_the_sweep(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var before = await TestStores.EnqueueAsync(database.Db, "work");
        await using var node = await TestNode.StartAsync(database.Options, "one", [Work]);
        (await node.EndAsync(before, 5)).State.ShouldBe(OperationState.Succeeded);

        var meanwhile = await TestStores.EnqueueAsync(database.Db, "work");
        (await node.EndAsync(meanwhile, 5)).State.ShouldBe(OperationState.Succeeded);
    }

    [Fact]
    public async Task The_job_engines_own_file_may_be_lost()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        Guid id;
        await using (var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("work", (_, _) => throw new TransientException("not yet"))], o => o.Backoff = TimeSpan.FromSeconds(60)))
        {
            id = await node.EnqueueAsync("work");
            await node.UntilAsync(id, o => o.NotBefore is not null);
        }
        foreach (var file in Directory.GetFiles(database.Options.DataFolder, "*.jobs.db*")) File.Delete(file);
        await ExecuteAsync(database, "UPDATE operations SET not_before = 0 WHERE id = @id", new { id });

        await using var again = await TestNode.StartAsync(database.Options, "one", [Work]);

        (await again.EndAsync(id, 5)).State.ShouldBe(OperationState.Succeeded);
    }

    [Theory, DatabaseData]
    public async Task A_lock_that_nobody_holds_any_more_and_a_parent_without_parts_are_settled(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (store, locks) = (new OperationStore(database.Db, new GroupCommit(database.Db), TimeProvider.System), new ResourceLock[] { new("vm:1", LockMode.Exclusive) });
        var (holder, waiter, parent) = (TestStores.Entry("work", locks: locks), TestStores.Entry("work", locks: locks), TestStores.Entry("work"));
        await store.QueueAsync([holder, waiter, parent], _ => Task.CompletedTask, CancellationToken.None);
        // As if the end had been stored, but not what follows from it.
        await ExecuteAsync(database, "UPDATE operations SET state = 'failed', ended_at = 1 WHERE id = @Id", new { holder.Id });
        await ExecuteAsync(database, "UPDATE operations SET state = 'running', ending = 'succeeded', attempt = 1 WHERE id = @Id", new { parent.Id });

        await using var node = await TestNode.StartAsync(database.Options, "one", [Work]);

        (await node.EndAsync(waiter.Id, 5)).State.ShouldBe(OperationState.Succeeded);
        (await node.EndAsync(parent.Id, 5)).State.ShouldBe(OperationState.Succeeded);
    }

    [Theory, DatabaseData]
    public async Task An_attended_operation_of_a_dead_node_is_undone_and_lost(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var entry = TestStores.Entry("work");
        var lease = new Lease(entry.Id, Guid.NewGuid(), 1);
        await new OperationStore(database.Db, new GroupCommit(database.Db), TimeProvider.System).BeginAttendedAsync(entry, lease, "dead", _ => Task.CompletedTask, CancellationToken.None);
        await new StepStore(database.Db, new GroupCommit(database.Db), TimeProvider.System).NoteAsync(lease, "disk", "a", CancellationToken.None);
        var undone = new List<string>();

        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("work", (_, _) => throw new InvalidOperationException("not resumed"), (_, notes) => { undone.AddRange(notes.Select(n => n.Value)); return Task.CompletedTask; })]);

        (await node.EndAsync(entry.Id, 5)).State.ShouldBe(OperationState.Lost);
        undone.ShouldBe(["a"]);
    }

    [Fact]
    public async Task What_kills_its_node_again_and_again_is_lost_in_the_end()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        var id = await TestStores.EnqueueAsync(database.Db, "work");
        await ExecuteAsync(database, "UPDATE operations SET state = 'running', owner = @owner, attempt = 6, crashes = 5 WHERE id = @id", new { id, owner = Guid.NewGuid() });

        await using var node = await TestNode.StartAsync(database.Options, "one", [Work]);
        var ended = await node.EndAsync(id, 5);

        (ended.State, ended.Problem!.Title).ShouldBe((OperationState.Lost, "Its node stopped again and again"));
    }

    [Theory, DatabaseData]
    public async Task Retention_removes_old_and_surplus_operations_and_nothing_that_is_active(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var ids = new List<Guid>();
        for (var i = 0; i < 6; i++) ids.Add(await TestStores.EnqueueAsync(database.Db, "work"));
        for (var i = 0; i < 5; i++)
            await ExecuteAsync(database, "UPDATE operations SET state = 'succeeded', ended_at = @at WHERE id = @id", new { id = ids[i], at = DateTimeOffset.UtcNow.AddDays(i == 0 ? -100 : -5 + i) });

        var gone = await new SweepStore(database.Db, TimeProvider.System).RetireAsync(90, 3, CancellationToken.None);

        gone.ShouldBe([ids[0], ids[1]], ignoreOrder: true);
    }
}
