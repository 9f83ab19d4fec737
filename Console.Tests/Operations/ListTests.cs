using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

public sealed class ListTests
{
    private static async Task<string[]> NamesAsync(TestNode node, OperationQuery query, PageQuery page) =>
        [.. (await node.Reader.ListAsync(TestNode.Operator, query, page, CancellationToken.None)).Value.Items.Select(o => o.TargetName)];

    [Theory, DatabaseData]
    public async Task The_list_is_filtered_sorted_searched_and_paged(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one",
        [
            new TestHandler("good", (_, _) => Task.FromResult<object?>(null)),
            new TestHandler("bad", (_, _) => throw new ProblemException(Problem.Conflict("No", "No"))),
        ]);
        foreach (var (kind, target) in new[] { ("good", "vm:Ärger"), ("bad", "vm:b_1"), ("good", "host:c"), ("bad", "vm:bx1") }) await node.EndAsync(await node.EnqueueAsync(kind, target: target));

        (await NamesAsync(node, new(), new())).ShouldBe(["vm:bx1", "host:c", "vm:b_1", "vm:Ärger"]);
        (await NamesAsync(node, new(), new(Sort: "createdAt", Size: 2, Number: 2))).ShouldBe(["host:c", "vm:bx1"]);
        (await NamesAsync(node, new() { States = [OperationState.Failed] }, new())).ShouldBe(["vm:bx1", "vm:b_1"]);
        (await NamesAsync(node, new() { States = [OperationState.Failed, OperationState.Succeeded], Kind = "good" }, new())).ShouldBe(["host:c", "vm:Ärger"]);
        (await NamesAsync(node, new() { Target = "vm" }, new(Sort: "-target"))).Length.ShouldBe(3);
        (await NamesAsync(node, new() { Target = "vm:b_1" }, new())).ShouldBe(["vm:b_1"]);
        (await NamesAsync(node, new(), new(Search: "b_"))).ShouldBe(["vm:b_1"]);
        (await NamesAsync(node, new(), new(Search: "ÄRG"))).ShouldBe(["vm:Ärger"]);
        (await NamesAsync(node, new(), new(Search: "ANN"))).Length.ShouldBe(4);
        (await node.Reader.ListAsync(TestNode.Operator, new(), new(Sort: "secret"), CancellationToken.None)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("sort");
        (await node.Reader.CountAsync(TestNode.Operator, CancellationToken.None)).Value[OperationState.Failed].ShouldBe(2);
    }

    [Theory, DatabaseData]
    public async Task A_thousand_queued_at_once_all_run_once(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var runs = 0;
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("good", (_, _) => { Interlocked.Increment(ref runs); return Task.FromResult<object?>(null); })]);

        var ids = (await node.Queue.EnqueueAsync(TestNode.Operator, [.. Enumerable.Range(0, 1000).Select(i => new NewOperation("good", $"thing:{i}", $"{i}", i))], CancellationToken.None)).Value;
        for (var until = DateTime.UtcNow.AddSeconds(60); (await node.Reader.CountAsync(TestNode.Operator, CancellationToken.None)).Value.GetValueOrDefault(OperationState.Succeeded) < 1000; await Task.Delay(100))
            if (DateTime.UtcNow > until) throw new TimeoutException();

        runs.ShouldBe(1000);
        ids.ShouldBe(ids.Order()); // first come, first in the list
    }
}
