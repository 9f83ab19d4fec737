using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

/// <summary>Parents and their parts.</summary>
public sealed class PartTests
{
    private readonly Gates _gates = new();
    private readonly List<string> _undone = [];
    private TestNode _node = null!;

    private TestHandler Part => new("part", async (operation, cancellation) =>
    {
        await _gates.EnterAsync(operation.Input<string>(), cancellation);
        return operation.Input<string>() == "bad" ? throw new ProblemException(Problem.Conflict("It went wrong", "Retry.")) : null;
    }, (operation, _) => { lock (_undone) _undone.Add(operation.Input<string>()); return Task.CompletedTask; });

    private TestHandler Parent(bool fails = false) => new("parent", async (operation, _) =>
    {
        foreach (var name in operation.Input<string[]>()) await _node.EnqueueAsync("part", name, parent: operation.Id);
        return fails ? throw new ProblemException(Problem.Conflict("The parent failed", "Retry.")) : new { done = true };
    }, (_, _) => { lock (_undone) _undone.Add("parent"); return Task.CompletedTask; });

    [Theory, DatabaseData]
    public async Task A_parent_ends_after_its_parts_and_keeps_its_result(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = _node = await TestNode.StartAsync(database.Options, "one", [Parent(), Part], o => o.Parallel = 1);
        var parent = await node.EnqueueAsync("parent", new[] { "a", "b" });
        // One place only: a waiting parent must not keep its parts from it.
        await _gates.EnteredAsync("a");
        (await node.GetAsync(parent)).State.ShouldBe(OperationState.Running);
        _gates.Open("a");
        await _gates.EnteredAsync("b");
        (await node.GetAsync(parent)).State.ShouldBe(OperationState.Running);
        _gates.Open("b");

        var ended = await node.EndAsync(parent);

        ended.State.ShouldBe(OperationState.Succeeded);
        ended.Result!.Value.GetProperty("done").GetBoolean().ShouldBeTrue();
        var parts = (await node.Reader.ListAsync(TestNode.Operator, new OperationQuery { Parent = parent }, new PageQuery(), CancellationToken.None)).Value.Items;
        parts.ShouldAllBe(p => p.EndedAt <= ended.EndedAt);
    }

    [Theory, DatabaseData]
    public async Task A_part_that_fails_makes_its_parent_a_warning(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = _node = await TestNode.StartAsync(database.Options, "one", [Parent(), Part]);
        _gates.Open("bad");
        _gates.Open("good");

        (await node.EndAsync(await node.EnqueueAsync("parent", new[] { "bad", "good" }))).State.ShouldBe(OperationState.Warning);
    }

    [Theory, DatabaseData]
    public async Task Cancelling_a_parent_cancels_its_parts_and_undoes_them_first(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = _node = await TestNode.StartAsync(database.Options, "one", [Parent(), Part]);
        var parent = await node.EnqueueAsync("parent", new[] { "a", "b" });
        await _gates.EnteredAsync("a");
        await _gates.EnteredAsync("b");

        (await node.Queue.CancelAsync(TestNode.Operator, parent, CancellationToken.None)).Ok.ShouldBeTrue();
        await node.EndAsync(parent);

        var parts = (await node.Reader.ListAsync(TestNode.Operator, new OperationQuery { Parent = parent }, new PageQuery(), CancellationToken.None)).Value.Items;
        parts.ShouldAllBe(p => p.State == OperationState.Cancelled);
        _undone.ShouldBe(["a", "b"], ignoreOrder: true);
    }

    [Theory, DatabaseData]
    public async Task A_parent_that_fails_cancels_its_parts_and_is_undone_after_them(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = _node = await TestNode.StartAsync(database.Options, "one", [Parent(fails: true), Part]);

        var parent = await node.EndAsync(await node.EnqueueAsync("parent", new[] { "a", "b" }));

        (parent.State, parent.Problem!.Title).ShouldBe((OperationState.Failed, "The parent failed"));
        _undone[^1].ShouldBe("parent");
        (await node.Queue.EnqueueAsync(TestNode.Operator, new NewOperation("part", "thing:1", "one", "late") { Parent = parent.Id }, CancellationToken.None)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
    }
}
