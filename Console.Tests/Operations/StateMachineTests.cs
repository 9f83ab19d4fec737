using FsCheck;
using FsCheck.Fluent;
using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

/// <summary>Random commands against the real store, beside a model: whatever the order, only allowed moves happen, and only for the run that owns the operation.</summary>
public sealed class StateMachineTests
{
    private enum Command { Claim, ClaimElsewhere, EndWell, EndBadly, Requeue, StaleEnd, StaleRequeue, StaleStep, CancelQueued, Retry, NodeDies }

    [Fact]
    public void Nothing_follows_a_success_and_only_a_retry_follows_another_end()
    {
        foreach (var from in Enum.GetValues<OperationState>().Where(s => s.IsFinal))
            foreach (var to in Enum.GetValues<OperationState>())
                StateMachine.Allows(from, to).ShouldBe(to is OperationState.Queued && from is OperationState.Failed or OperationState.Cancelled or OperationState.Lost && to is OperationState.Queued, $"{from} to {to}");
        StateMachine.Allows(OperationState.Queued, OperationState.Succeeded).ShouldBeFalse();
        StateMachine.Allows(OperationState.Running, OperationState.Running).ShouldBeFalse();
    }

    [Theory, DatabaseData]
    public async Task Any_sequence_of_commands_leaves_what_the_model_says(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var commands = ArbMap.Default.GeneratorFor<int>().Select(i => (Command)(Math.Abs(i) % Enum.GetValues<Command>().Length)).ListOf();
        Prop.ForAll(Arb.From(commands), list =>
        {
            var story = RunAsync(database.Db, list).GetAwaiter().GetResult();
            return (story is null).Label(story ?? "");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(engine is DatabaseEngine.Sqlite ? 60 : 30).WithEndSize(25));
    }

    /// <summary>Null when store and model agree after each command.</summary>
    private static async Task<string?> RunAsync(Db db, IReadOnlyList<Command> commands)
    {
        var none = CancellationToken.None;
        var (operations, endings, restarts, steps) = (new OperationStore(db, new GroupCommit(db), TimeProvider.System), new EndingStore(db, new GroupCommit(db), TimeProvider.System), new RestartStore(db, new GroupCommit(db), TimeProvider.System), new StepStore(db, new GroupCommit(db), TimeProvider.System));
        var entry = TestStores.Entry("model", locks: [new($"thing:{Guid.NewGuid()}", LockMode.Exclusive)]);
        await operations.QueueAsync([entry], _ => Task.CompletedTask, none);
        var (state, attempt) = (OperationState.Queued, 0);
        Lease? held = null, stale = null;
        foreach (var command in commands)
        {
            var row = (await operations.FindAsync(entry.Id, none))!;
            switch (command)
            {
                case Command.Claim or Command.ClaimElsewhere:
                    var owner = Guid.NewGuid();
                    var claimed = await operations.ClaimAsync(entry.Id, owner, "node", none);
                    if (claimed is not null != (state is OperationState.Queued)) return $"claim in {state}: {claimed}";
                    if (claimed is not null) (state, attempt, held) = (OperationState.Running, attempt + 1, new Lease(entry.Id, owner, attempt + 1));
                    break;
                case Command.EndWell or Command.EndBadly when held is not null:
                    var ending = command is Command.EndWell ? OperationState.Succeeded : OperationState.Failed;
                    await endings.EndAsync(held, row, ending, "{}", null, _ => Task.CompletedTask, none);
                    (state, stale, held) = (ending, held, null);
                    break;
                case Command.Requeue or Command.NodeDies when held is not null:
                    if (!await operations.RequeueAsync(held, new Requeue { Crashed = command is Command.NodeDies }, none)) return "the owner could not requeue";
                    (state, stale, held) = (OperationState.Queued, held, null);
                    break;
                case Command.StaleEnd when stale is not null:
                    if (!await IsFencedAsync(() => endings.EndAsync(stale, row, OperationState.Succeeded, null, null, _ => Task.CompletedTask, none))) return $"a stale end passed in {state}";
                    break;
                case Command.StaleStep when stale is not null:
                    if (!await IsFencedAsync(() => steps.StartAsync(stale, "late", 1, "late", none))) return $"a stale step passed in {state}";
                    if (!await IsFencedAsync(() => steps.NoteAsync(stale, "late", "late", none))) return $"a stale note passed in {state}";
                    if (!await IsFencedAsync(() => steps.JournalAsync(stale, new OperationProgress(1, 1, "late"), 0, [], none))) return $"a stale journal passed in {state}";
                    break;
                case Command.StaleRequeue when stale is not null:
                    if (await operations.RequeueAsync(stale, new Requeue(), none)) return $"a stale requeue passed in {state}";
                    break;
                case Command.CancelQueued:
                    var cancelled = await endings.CancelUnstartedAsync(row, none) is not null;
                    if (cancelled != (state is OperationState.Queued)) return $"cancel in {state}: {cancelled}";
                    if (cancelled) state = OperationState.Cancelled;
                    break;
                case Command.Retry when state.IsFinal && StateMachine.Allows(state, OperationState.Queued):
                    if (!(await restarts.RetryAsync(row, _ => Task.CompletedTask, none)).Taken) return $"retry refused in {state}";
                    state = OperationState.Queued;
                    break;
            }
            var now = (await operations.FindAsync(entry.Id, none))!;
            if (now.State != state || now.Attempt != attempt) return $"after {command} it is {now.State} in attempt {now.Attempt}, the model says {state} in {attempt}";
            if (now.State.IsFinal != now.EndedAt is not null) return $"after {command} it is {now.State}, ended at {now.EndedAt}";
        }
        return null;
    }

    private static async Task<bool> IsFencedAsync(Func<Task> write)
    {
        try { await write(); return false; }
        catch (FencedException) { return true; }
    }
}
