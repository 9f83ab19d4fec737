using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

public sealed class CancelTests
{
    private static readonly Caller Viewer = new(CallerKind.User, Guid.NewGuid(), "vic", Role.Viewer);

    [Theory, DatabaseData]
    public async Task A_running_operation_is_stopped_and_undone(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (gates, undone) = (new Gates(), 0);
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("work", async (_, cancellation) => { await gates.EnterAsync("work", cancellation); return null; }, (_, _) => { undone++; return Task.CompletedTask; })]);
        var id = await node.EnqueueAsync("work");
        await gates.EnteredAsync("work");

        (await node.Queue.CancelAsync(TestNode.Operator, id, CancellationToken.None)).Ok.ShouldBeTrue();
        var ended = await node.EndAsync(id, 5);

        (ended.State, ended.Problem, undone).ShouldBe((OperationState.Cancelled, null, 1));
        (await node.Queue.CancelAsync(TestNode.Operator, id, CancellationToken.None)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
    }

    [Theory, DatabaseData]
    public async Task One_that_waits_for_its_next_try_is_undone_at_once(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var undone = 0;
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("work", async (operation, _) =>
        {
            await operation.NoteAsync("disk", "a");
            throw new TransientException("away");
        }, (_, _) => { undone++; return Task.CompletedTask; })], o => o.Backoff = TimeSpan.FromSeconds(60));
        var id = await node.EnqueueAsync("work");
        await node.UntilAsync(id, o => o.NotBefore is not null);

        (await node.Queue.CancelAsync(TestNode.Operator, id, CancellationToken.None)).Ok.ShouldBeTrue();

        ((await node.EndAsync(id, 5)).State, undone).ShouldBe((OperationState.Cancelled, 1));
    }

    [Theory, DatabaseData]
    public async Task Who_may_not_start_it_may_neither_cancel_nor_retry_it(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("work", (_, _) => throw new ProblemException(Problem.Conflict("No", "No")))]);
        var id = await node.EnqueueAsync("work");
        await node.EndAsync(id);

        (await node.Queue.EnqueueAsync(Viewer, new NewOperation("work", "thing:1", "one", new { }), CancellationToken.None)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Queue.CancelAsync(Viewer, id, CancellationToken.None)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Queue.RetryAsync(Viewer, id, CancellationToken.None)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Reader.GetAsync(Viewer, id, CancellationToken.None)).Ok.ShouldBeTrue();
        (await node.Queue.CancelAsync(TestNode.Operator, Guid.NewGuid(), CancellationToken.None)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
    }
}
