using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

public sealed class LockTests
{
    private static readonly ResourceLock[] Exclusive = [new("vm:a", LockMode.Exclusive)];
    private static readonly ResourceLock[] Shared = [new("vm:a", LockMode.Shared)];

    private static TestHandler Gated(Gates gates) => new("work", async (operation, cancellation) =>
    {
        await gates.EnterAsync(operation.Input<string>(), cancellation);
        return null;
    });

    [Theory, DatabaseData]
    public async Task Exclusive_waits_for_shared_and_starts_as_soon_as_it_is_free(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var gates = new Gates();
        await using var node = await TestNode.StartAsync(database.Options, "one", [Gated(gates)], o => o.SweepEvery = TimeSpan.FromMinutes(10)); // else the sweep would do it, too
        var first = await node.EnqueueAsync("work", "s1", locks: Shared);
        var second = await node.EnqueueAsync("work", "s2", locks: Shared);
        await gates.EnteredAsync("s1");
        await gates.EnteredAsync("s2"); // both at once
        var third = await node.EnqueueAsync("work", "x", locks: Exclusive);
        gates.Open("s1");
        await node.EndAsync(first);
        (await node.GetAsync(third)).State.ShouldBe(OperationState.Queued);

        gates.Open("s2");
        await gates.EnteredAsync("x");

        (await node.GetAsync(second)).State.ShouldBe(OperationState.Succeeded);
        gates.Open("x");
        (await node.EndAsync(third)).State.ShouldBe(OperationState.Succeeded);
    }

    [Theory, DatabaseData]
    public async Task A_waiting_exclusive_lock_is_not_starved_by_later_shared_ones(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var gates = new Gates();
        await using var node = await TestNode.StartAsync(database.Options, "one", [Gated(gates)]);
        await node.EnqueueAsync("work", "s1", locks: Shared);
        await gates.EnteredAsync("s1");
        await node.EnqueueAsync("work", "x", locks: Exclusive);
        var late = await node.EnqueueAsync("work", "s2", locks: Shared);
        await Task.Delay(300);
        (await node.GetAsync(late)).State.ShouldBe(OperationState.Queued);

        gates.Open("s1");
        await gates.EnteredAsync("x");
        gates.HasEntered("s2").ShouldBeFalse();
        gates.Open("x");
        await gates.EnteredAsync("s2");
        gates.Open("s2");
        await node.EndAsync(late);
    }

    [Theory, DatabaseData]
    public async Task A_cancelled_operation_releases_its_locks(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var gates = new Gates();
        await using var node = await TestNode.StartAsync(database.Options, "one", [Gated(gates)]);
        await node.EnqueueAsync("work", "x1", locks: Exclusive);
        await gates.EnteredAsync("x1");
        var queued = await node.EnqueueAsync("work", "x2", locks: Exclusive);
        var third = await node.EnqueueAsync("work", "x3", locks: Exclusive);

        (await node.Queue.CancelAsync(TestNode.Operator, queued, CancellationToken.None)).Ok.ShouldBeTrue();
        (await node.GetAsync(queued)).State.ShouldBe(OperationState.Cancelled);
        gates.Open("x1");
        await gates.EnteredAsync("x3");

        gates.HasEntered("x2").ShouldBeFalse();
        gates.Open("x3");
        await node.EndAsync(third);
    }

    [Theory, DatabaseData]
    public async Task Operations_that_take_the_same_locks_in_any_order_never_deadlock(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var inside = new int[3];
        var clashes = 0;
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("work", async (operation, cancellation) =>
        {
            var mine = operation.Input<int[]>();
            foreach (var i in mine) if (Interlocked.Increment(ref inside[i]) > 1) Interlocked.Increment(ref clashes);
            await Task.Delay(5, cancellation);
            foreach (var i in mine) Interlocked.Decrement(ref inside[i]);
            return null;
        })]);
        var random = new Random(7);
        var ids = new List<Guid>();
        for (var i = 0; i < 60; i++)
        {
            int[] mine = [.. Enumerable.Range(0, 3).OrderBy(_ => random.Next()).Take(random.Next(1, 4))];
            ids.Add(await node.EnqueueAsync("work", mine, locks: [.. mine.Select(m => new ResourceLock($"disk:{m}", LockMode.Exclusive))]));
        }
        foreach (var id in ids) (await node.EndAsync(id, 40)).State.ShouldBe(OperationState.Succeeded);
        clashes.ShouldBe(0);
    }

    [Theory, DatabaseData]
    public async Task A_part_shares_what_its_parent_holds_and_goes_before_those_who_wait_for_the_parent(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var gates = new Gates();
        TestNode node = null!;
        await using var _ = node = await TestNode.StartAsync(database.Options, "one", [Gated(gates), new TestHandler("parent", async (operation, cancellation) =>
        {
            await gates.EnterAsync("parent", cancellation);
            await node.EnqueueAsync("work", "part", locks: [new("vm:a", LockMode.Exclusive), new("vm:b", LockMode.Exclusive)], parent: operation.Id);
            return null;
        })]);
        var parent = await node.EnqueueAsync("parent", locks: Exclusive);
        await gates.EnteredAsync("parent");
        // Waits for the parent, and stands before the part on vm:b: the part must go first, or neither ever would.
        var other = await node.EnqueueAsync("work", "other", locks: [new("vm:a", LockMode.Exclusive), new("vm:b", LockMode.Exclusive)]);
        gates.Open("parent");
        await gates.EnteredAsync("part");
        gates.HasEntered("other").ShouldBeFalse();
        gates.Open("part");
        (await node.EndAsync(parent)).State.ShouldBe(OperationState.Succeeded);
        await gates.EnteredAsync("other");
        gates.Open("other");
        (await node.EndAsync(other)).State.ShouldBe(OperationState.Succeeded);
    }

    [Theory, DatabaseData]
    public async Task A_part_that_would_wait_for_what_waits_for_its_parent_is_refused(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var gates = new Gates();
        TestNode node = null!;
        Problem? refusal = null;
        await using var _ = node = await TestNode.StartAsync(database.Options, "one", [Gated(gates),
            new TestHandler("left", async (operation, cancellation) =>
            {
                await gates.EnterAsync("left", cancellation);
                await node.EnqueueAsync("work", "left part", locks: [new("vm:r", LockMode.Exclusive)], parent: operation.Id);
                return null;
            }),
            new TestHandler("right", async (operation, cancellation) =>
            {
                await gates.EnterAsync("right", cancellation);
                refusal = (await node.Queue.EnqueueAsync(TestNode.Operator, new NewOperation("work", "vm:l", "l", "right part") { Locks = [new("vm:l", LockMode.Exclusive)], Parent = operation.Id }, cancellation)).Problem;
                return null;
            })]);
        var left = await node.EnqueueAsync("left", locks: [new("vm:l", LockMode.Exclusive)]);
        var right = await node.EnqueueAsync("right", locks: [new("vm:r", LockMode.Exclusive)]);
        await gates.EnteredAsync("left");
        await gates.EnteredAsync("right");
        gates.Open("left part");
        gates.Open("left");
        await node.UntilAsync(left, o => o.Node != null && node.Reader.ListAsync(TestNode.Operator, new OperationQuery { Parent = left }, new PageQuery(), default).Result.Value.Total == 1);
        gates.Open("right");

        (await node.EndAsync(right)).State.ShouldBe(OperationState.Succeeded);
        (await node.EndAsync(left)).State.ShouldBe(OperationState.Succeeded);
        refusal!.Kind.ShouldBe(ProblemKind.Conflict);
    }
}
