using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

/// <summary>Operations whose first steps a request's own thread runs.</summary>
public sealed class AttendedTests
{
    private static readonly Problem Broken = Problem.Unavailable("The upload broke off", "Send it again.");
    private readonly List<string> _done = [];
    private readonly List<string> _undone = [];

    private TestHandler Handler => new("upload", async (operation, _) =>
    {
        await operation.StepAsync("receive", "Receiving", _ => { _done.Add("received again"); return Task.CompletedTask; });
        await operation.StepAsync("define", "Defining", _ => { _done.Add("defined"); return Task.CompletedTask; });
        return null;
    }, (_, notes) => { _undone.AddRange(notes.Select(n => n.Value)); return Task.CompletedTask; });

    private static NewOperation Upload => new("upload", "vm:1", "one", new { }) { Locks = [new("vm:1", LockMode.Exclusive)] };

    private static async Task<AttendedOperation> BeginAsync(TestNode node) => (await node.Queue.BeginAttendedAsync(TestNode.Operator, Upload, CancellationToken.None)).Value;

    [Theory, DatabaseData]
    public async Task What_was_done_attended_is_not_done_again_after_the_hand_over(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [Handler]);
        await using var attended = await BeginAsync(node);
        (await node.GetAsync(attended.Id)).State.ShouldBe(OperationState.Running);
        await attended.Context.StepAsync("receive", "Receiving", _ => { _done.Add("received"); return Task.CompletedTask; });
        attended.Context.Log("all bytes are here");

        await attended.HandOverAsync(CancellationToken.None);
        var ended = await node.EndAsync(attended.Id);

        ended.State.ShouldBe(OperationState.Succeeded);
        _done.ShouldBe(["received", "defined"]);
        (await node.Reader.LogAsync(TestNode.Operator, ended.Id, 0, 10, CancellationToken.None)).Value.ShouldContain(l => l.Text == "all bytes are here");
    }

    [Theory, DatabaseData]
    public async Task A_request_that_breaks_off_is_undone_at_once(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [Handler]);
        Guid id;
        await using (var attended = await BeginAsync(node))
        {
            id = attended.Id;
            await attended.Context.NoteAsync("disk", "a");
        }

        var ended = await node.GetAsync(id);
        (ended.State, ended.Problem!.Title).ShouldBe((OperationState.Failed, "The request broke off"));
        _undone.ShouldBe(["a"]);

        await using var second = await BeginAsync(node); // the lock is free again
        await second.FailAsync(Broken, CancellationToken.None);
        (await node.GetAsync(second.Id)).Problem!.Title.ShouldBe(Broken.Title);
    }

    [Theory, DatabaseData]
    public async Task A_held_lock_refuses_an_attended_operation_and_names_who_holds_it(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [Handler]);
        await using var first = await BeginAsync(node);

        var refused = (await node.Queue.BeginAttendedAsync(TestNode.Operator, Upload, CancellationToken.None)).Problem!;

        refused.Kind.ShouldBe(ProblemKind.Conflict);
        refused.Detail.ShouldContain(first.Id.ToString());
    }

    [Theory, DatabaseData]
    public async Task Cancelling_it_reaches_the_request_and_undoes(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [Handler]);
        Guid id;
        await using (var attended = await BeginAsync(node))
        {
            id = attended.Id;
            await attended.Context.NoteAsync("disk", "a");
            (await node.Queue.CancelAsync(TestNode.Operator, id, CancellationToken.None)).Ok.ShouldBeTrue();
            attended.Cancellation.IsCancellationRequested.ShouldBeTrue();
        }

        (await node.GetAsync(id)).State.ShouldBe(OperationState.Cancelled);
        _undone.ShouldBe(["a"]);
    }
}
