using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Hostile;
using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>The right to run objects when it cannot be renewed.</summary>
public sealed class ObjectLeaseTests
{
    [Fact]
    public async Task Objects_end_before_another_may_take_them_though_the_database_hangs_and_answer_no_more_while_another_has_them()
    {
        var clock = new HandTime(null, stamps: true);
        await using var stack = await HostileStack.StartAsync(engine: DatabaseEngine.Postgres, time: clock);
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":1,\"memory\":1");
        var pid = stack.Keeper().Pid;

        await using (var other = new NpgsqlConnection(stack.Connection + ";Pooling=false"))
        {
            await other.OpenAsync();
            await using var hold = await other.BeginTransactionAsync();
            // Whoever asks for these waits, as for a database that hangs.
            await ExecuteAsync(other, "LOCK TABLE worker_object_stores, worker_object_homes, worker_object_classes IN ACCESS EXCLUSIVE MODE");
            clock.Forward(TimeSpan.FromSeconds(23));
            await Eventually.Is(() => stack.Servers.All(s => !s.Objects) && !Directory.Exists($"/proc/{pid}"), "the objects' process has ended");
            await Eventually.Is(async () => (await stack.AskAsync("/a/add")).Contains("could not be renewed for", StringComparison.Ordinal), "callers are told");
            clock.Forward(TimeSpan.FromSeconds(8));
            await ExecuteAsync(other, "UPDATE worker_object_stores SET holder = 'other', place = 'elsewhere', held_until = 9000000000000000");
            await hold.CommitAsync();
            await Eventually.Is(async () =>
            {
                clock.Forward(TimeSpan.FromSeconds(6));
                return (await stack.AskAsync("/a/add")).Contains("Another process runs the objects of the store", StringComparison.Ordinal);
            }, "the node knows that another has them");
            stack.Servers.ShouldAllBe(s => !s.Objects);
            await ExecuteAsync(other, "UPDATE worker_object_stores SET held_until = 0");
        }
        await Eventually.Is(async () =>
        {
            clock.Forward(TimeSpan.FromSeconds(6));
            return (await stack.AskAsync("/a/add")).Contains("\"stored\":2,\"memory\":1", StringComparison.Ordinal);
        }, "they go on when the other has given them back");
    }

    [Fact]
    public async Task A_copy_of_a_store_is_taken_only_after_the_right_of_who_cannot_renew_it_is_over()
    {
        var clock = new HandTime(new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero), stamps: true);
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var folder = Directory.CreateTempSubdirectory("qd-lease-").FullName;
        try
        {
            var cut = Db.For(database.Options);
            using var one = Lease(cut, Path.Combine(folder, "one"), "one", clock);
            await StartAsync(one);
            one.IsHeld.ShouldBeTrue(one.Reason);
            using var copy = Lease(database.Db, Path.Combine(folder, "copy"), "copy", clock);
            Directory.CreateDirectory(copy.Folder);
            await File.WriteAllTextAsync(Path.Combine(copy.Folder, "store"), one.Id);
            await StartAsync(copy);
            copy.Id.ShouldBe(one.Id);
            copy.IsHeld.ShouldBeFalse();
            copy.Reason.ShouldContain("Another process runs the objects of the store");

            await cut.DisposeAsync();
            clock.Forward(TimeSpan.FromSeconds(21));
            one.IsHeld.ShouldBeTrue(); // it was renewed at 0, and none has it before 30
            clock.Forward(TimeSpan.FromSeconds(2));
            one.IsHeld.ShouldBeFalse();
            one.Reason.ShouldContain("renewed");
            clock.Forward(TimeSpan.FromSeconds(6));
            (await new ObjectStore(database.Db, clock).HoldAsync(new StoreRow(one.Id, "third", "third", "m:/third", clock.GetUtcNow().AddSeconds(30), null, null, null), true, default)).ShouldBeNull();
            copy.IsHeld.ShouldBeFalse();
            await Eventually.Is(() =>
            {
                clock.Forward(TimeSpan.FromSeconds(6));
                return copy.IsHeld;
            }, "the copy is held when the time is over");
            one.IsHeld.ShouldBeFalse();
            await copy.StopAsync(default);
            await one.StopAsync(default);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static StoreLease Lease(Db db, string data, string node, TimeProvider time) => new(
        TestDatabase.OptionsFor(data, null), new ObjectStore(db, time), db, Options.Create(new OperationsOptions { Node = node }), time, NullLogger<StoreLease>.Instance);

    private static async Task StartAsync(StoreLease lease)
    {
        await lease.StartAsync(default);
        await lease.TriedAsync(default).WaitAsync(TimeSpan.FromSeconds(60));
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
