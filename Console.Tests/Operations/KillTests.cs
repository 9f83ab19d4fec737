using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

/// <summary>Real processes, really killed.</summary>
public sealed class KillTests
{
    private static int StepsIn(string traces, Guid id) => File.Exists(Trace(traces, id)) ? File.ReadAllLines(Trace(traces, id)).Length : 0;

    private static string Trace(string traces, Guid id) => Path.Combine(traces, $"{id}.steps");

    private static async Task UntilAsync(Func<bool> holds, int seconds = 60)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); !holds(); await Task.Delay(10))
            if (DateTime.UtcNow > until) throw new TimeoutException();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Killed_between_steps_and_started_again_it_goes_on_after_the_finished_steps(int steps)
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        var traces = database.Options.DataFolder;
        Guid id;
        await using (var victim = await NodeProcess.StartAsync(database.Options, "node", traces))
        {
            id = await EnqueueElsewhereAsync(database, "steps");
            await UntilAsync(() => StepsIn(traces, id) >= steps && (steps > 0 || File.Exists(Path.Combine(traces, "quarterdeck.db"))));
            await victim.KillAsync();
        }
        var before = StepsIn(traces, id);

        await using var heir = await NodeProcess.StartAsync(database.Options, "node", traces);
        var ended = await EndAsync(database, id);

        ended.State.ShouldBe(OperationState.Succeeded);
        var lines = File.ReadAllLines(Trace(traces, id)).Select(l => int.Parse(l.Split(' ')[0])).ToArray();
        lines.Distinct().ShouldBe(Enumerable.Range(1, NodeProcess.Steps), ignoreOrder: true);
        // The step that was under way may run twice; a finished one never.
        lines.Length.ShouldBeInRange(NodeProcess.Steps, NodeProcess.Steps + 1);
        before.ShouldBeLessThan(NodeProcess.Steps);
    }

    [Fact]
    public async Task A_kind_that_does_not_resume_is_undone_and_lost_after_a_kill()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        var traces = database.Options.DataFolder;
        Guid id;
        await using (var victim = await NodeProcess.StartAsync(database.Options, "node", traces))
        {
            id = await EnqueueElsewhereAsync(database, "fragile");
            await UntilAsync(() => File.Exists(Path.Combine(traces, $"{id}.made")));
            await victim.KillAsync();
        }

        await using var heir = await NodeProcess.StartAsync(database.Options, "node", traces);
        var ended = await EndAsync(database, id);

        ended.State.ShouldBe(OperationState.Lost);
        ended.Problem!.Detail.ShouldContain("Retry");
        File.Exists(Path.Combine(traces, $"{id}.made")).ShouldBeFalse();
    }

    [Fact]
    public async Task Another_node_finishes_what_a_killed_one_began_within_fifteen_seconds()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var traces = database.Options.DataFolder;
        await using var victim = await NodeProcess.StartAsync(database.Options, "first", traces);
        var id = await EnqueueElsewhereAsync(database, "steps");
        await UntilAsync(() => StepsIn(traces, id) >= 2);
        await using var heir = await TestNode.StartAsync(database.Options, "second", NodeProcess.Handlers(traces, "second"));
        await victim.KillAsync();
        var killed = DateTime.UtcNow;

        var ended = await heir.EndAsync(id);

        (DateTime.UtcNow - killed).ShouldBeLessThan(TimeSpan.FromSeconds(15));
        (ended.State, ended.Node).ShouldBe((OperationState.Succeeded, "second"));
        var lines = File.ReadAllLines(Trace(traces, id));
        lines.Length.ShouldBeInRange(NodeProcess.Steps, NodeProcess.Steps + 1);
        lines.ShouldContain("1 first");
        lines.ShouldContain($"{NodeProcess.Steps} second");
    }

    [Fact]
    public async Task A_node_that_was_thought_dead_but_lives_commits_nothing_more()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var traces = database.Options.DataFolder;
        await using var sleeper = await NodeProcess.StartAsync(database.Options, "sleeper", traces);
        var id = await EnqueueElsewhereAsync(database, "steps");
        await UntilAsync(() => StepsIn(traces, id) >= 2);
        await sleeper.SignalAsync("STOP");
        await using var heir = await TestNode.StartAsync(database.Options, "heir", NodeProcess.Handlers(traces, "heir"));
        await heir.UntilAsync(id, o => o.Node == "heir" && o.State is OperationState.Running);

        await sleeper.SignalAsync("CONT");
        var ended = await heir.EndAsync(id);
        await Task.Delay(NodeProcess.StepTime * 4);

        (ended.State, ended.Node, ended.Attempt).ShouldBe((OperationState.Succeeded, "heir", 2));
        // At most the step that was under way when it fell asleep is finished by it: it may begin no other.
        File.ReadAllLines(Trace(traces, id)).SkipWhile(l => l.EndsWith("sleeper", StringComparison.Ordinal)).Count(l => l.EndsWith("sleeper", StringComparison.Ordinal)).ShouldBeLessThanOrEqualTo(1);
        (await heir.GetAsync(id) with { Result = null }).ShouldBeEquivalentTo(ended with { Result = null });
        // And it is a node like any other again.
        await UntilAsync(() => heir.Service<Quarterdeck.Operations.Store.NodeStore>().ListAsync(default).Result.Any(n => n.Name == "sleeper"));
    }

    [Fact]
    public async Task An_operation_is_cancelled_from_another_node()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var traces = database.Options.DataFolder;
        await using var owner = await NodeProcess.StartAsync(database.Options, "owner", traces);
        var id = await EnqueueElsewhereAsync(database, "endless");
        await UntilAsync(() => File.Exists(Path.Combine(traces, $"{id}.begun")));
        await using var other = await TestNode.StartAsync(database.Options, "other", NodeProcess.Handlers(traces, "other"));

        (await other.Queue.CancelAsync(TestNode.Operator, id, CancellationToken.None)).Ok.ShouldBeTrue();
        var ended = await other.EndAsync(id, 5);

        (ended.State, ended.Node).ShouldBe((OperationState.Cancelled, "owner"));
    }

    [Theory, DatabaseData]
    public async Task At_shutdown_a_running_operation_goes_back_to_the_queue_and_on_at_the_next_start(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var traces = database.Options.DataFolder;
        Guid id;
        await using (var first = await NodeProcess.StartAsync(database.Options, "first", traces))
        {
            id = await EnqueueElsewhereAsync(database, "steps");
            await UntilAsync(() => StepsIn(traces, id) >= 2);
            await first.SignalAsync("TERM");
            (await first.ExitAsync(TimeSpan.FromSeconds(40))).ShouldBe(0);
        }
        (await ReadAsync(database, id)).State.ShouldBe(OperationState.Queued);

        await using var second = await NodeProcess.StartAsync(database.Options, "second", traces);
        var ended = await EndAsync(database, id);

        (ended.State, ended.Attempt).ShouldBe((OperationState.Succeeded, 2));
        File.ReadAllLines(Trace(traces, id)).Length.ShouldBe(NodeProcess.Steps);
    }

    /// <summary>Stores an operation without a node: the running node's sweep finds it, as it would after a crash between the row and the job.</summary>
    private static Task<Guid> EnqueueElsewhereAsync(TestDatabase database, string kind) => TestStores.EnqueueAsync(database.Db, kind);

    private static async Task<OperationInfo> EndAsync(TestDatabase database, Guid id)
    {
        OperationInfo? found = null;
        await UntilAsync(() => (found = ReadAsync(database, id).Result).Ended, 30);
        return found!;
    }

    private static Task<OperationInfo> ReadAsync(TestDatabase database, Guid id) => TestStores.ReadAsync(database.Db, id);
}
