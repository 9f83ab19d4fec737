using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

public sealed class RunTests
{
    private sealed record Wish(int Number);

    [Theory, DatabaseData]
    public async Task An_operation_runs_its_steps_and_ends_with_a_result(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("add", async (operation, _) =>
        {
            var half = await operation.StepAsync("half", "Halving", _ => Task.FromResult(operation.Input<Wish>().Number / 2));
            operation.Progress(1, 2, "numbers");
            operation.Log("halved");
            return new { sum = half + half };
        })]);

        var ended = await node.EndAsync(await node.EnqueueAsync("add", new Wish(8)));

        ended.State.ShouldBe(OperationState.Succeeded);
        ended.Result!.Value.GetProperty("sum").GetInt32().ShouldBe(8);
        ended.Steps.ShouldHaveSingleItem().State.ShouldBe(StepState.Done);
        ended.Progress.ShouldBe(new OperationProgress(1, 2, "numbers"));
        ended.RequestedBy.ShouldBe("ann");
        (await node.Reader.LogAsync(TestNode.Operator, ended.Id, 0, 100, CancellationToken.None)).Value.ShouldHaveSingleItem().Text.ShouldBe("halved");
    }
}
