using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Quarterdeck.Database;
using Quarterdeck.Events;
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

    [Theory, DatabaseData]
    public async Task A_failure_is_undone_newest_note_first_and_ends_as_failed(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var undone = new List<string>();
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("make", async (operation, _) =>
        {
            await operation.NoteAsync("disk", "a");
            await operation.NoteAsync("disk", "b");
            await operation.NoteAsync("disk", "a");
            await operation.StepAsync("fill", "Filling", _ => throw new ProblemException(Problem.Conflict("The pool is full", "Free some space, then retry.")));
            return null;
        }, (_, notes) => { undone.AddRange(notes.Select(n => n.Value)); return Task.CompletedTask; })]);

        var ended = await node.EndAsync(await node.EnqueueAsync("make"));

        ended.State.ShouldBe(OperationState.Failed);
        ended.Problem!.Title.ShouldBe("The pool is full");
        ended.Steps.ShouldHaveSingleItem().State.ShouldBe(StepState.Failed);
        undone.ShouldBe(["b", "a"]);
        ended.CanRetry.ShouldBeTrue();
    }

    [Theory, DatabaseData]
    public async Task What_cannot_be_undone_is_named(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("make", async (operation, cancellation) =>
        {
            await operation.NoteAsync("disk", "/pool/a.qcow2");
            await Task.Delay(Timeout.Infinite, cancellation);
            return null;
        }, (_, _) => throw new IOException("The pool is away."))]);
        var id = await node.EnqueueAsync("make");
        await node.UntilAsync(id, o => o.State is OperationState.Running);
        await Task.Delay(100);
        await node.Queue.CancelAsync(TestNode.Operator, id, CancellationToken.None);

        var ended = await node.EndAsync(id);

        ended.State.ShouldBe(OperationState.Failed);
        ended.Problem!.Detail.ShouldContain("disk /pool/a.qcow2");
    }

    [Theory, DatabaseData]
    public async Task A_failure_that_may_pass_is_tried_again_with_growing_pauses_and_finished_steps_stay_done(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var starts = new List<DateTime>();
        var first = 0;
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("flaky", async (operation, _) =>
        {
            lock (starts) starts.Add(DateTime.UtcNow);
            await operation.StepAsync("first", "First", _ => Task.FromResult(Interlocked.Increment(ref first)));
            return starts.Count < 3 ? throw new TransientException("The host does not answer.") : new { starts.Count };
        })], o => o.Backoff = TimeSpan.FromMilliseconds(300));
        var id = await node.EnqueueAsync("flaky");

        var waiting = await node.UntilAsync(id, o => o is { State: OperationState.Queued, NotBefore: not null });
        waiting.Problem!.Detail.ShouldContain("Try 1 of 3 failed");
        var ended = await node.EndAsync(id);

        ended.State.ShouldBe(OperationState.Succeeded);
        ended.Problem.ShouldBeNull();
        ended.Attempt.ShouldBe(3);
        first.ShouldBe(1);
        (starts[1] - starts[0]).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(250));
        (starts[2] - starts[1]).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(500));
    }

    [Theory, DatabaseData]
    public async Task After_the_last_try_it_fails_and_retry_by_a_person_begins_anew(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (runs, steps, undone) = (0, 0, 0);
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("flaky", async (operation, _) =>
        {
            await operation.NoteAsync("disk", "a");
            await operation.StepAsync("first", "First", _ => Task.FromResult(Interlocked.Increment(ref steps)));
            return Interlocked.Increment(ref runs) <= 3 ? throw new TransientException("away") : null;
        }, (_, _) => { undone++; return Task.CompletedTask; })], o => o.Backoff = TimeSpan.FromMilliseconds(20));
        var id = await node.EnqueueAsync("flaky", locks: [new("vm:a", LockMode.Exclusive)]);
        var failed = await node.EndAsync(id);
        (failed.State, failed.Attempt, undone).ShouldBe((OperationState.Failed, 3, 1));

        (await node.Queue.RetryAsync(TestNode.Operator, id, CancellationToken.None)).Ok.ShouldBeTrue();
        var ended = await node.EndAsync(id);

        (ended.State, ended.Attempt, steps).ShouldBe((OperationState.Succeeded, 4, 2));
        ended.Problem.ShouldBeNull();
        (await node.Queue.RetryAsync(TestNode.Operator, id, CancellationToken.None)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
    }

    [Theory, DatabaseData]
    public async Task A_warning_makes_a_success_a_warning(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("warn", (operation, _) =>
        {
            operation.Warn("The guest agent is old.");
            return Task.FromResult<object?>(null);
        })]);

        var ended = await node.EndAsync(await node.EnqueueAsync("warn"));

        (ended.State, ended.Warnings).ShouldBe((OperationState.Warning, 1));
    }

    [Theory, DatabaseData]
    public async Task What_is_logged_anywhere_below_the_handler_is_in_the_stored_log(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        TestNode node = null!;
        await using var _ = node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("log", async (operation, _) =>
        {
            await Task.Run(() => Say(node.Service<ILoggerFactory>().CreateLogger("Quarterdeck.Hosts.Libvirt"), operation.Id), CancellationToken.None);
            Say(node.Service<ILoggerFactory>().CreateLogger("Microsoft.Elsewhere"), operation.Id);
            return null;
        })]);
        var first = await node.EnqueueAsync("log");
        var second = await node.EnqueueAsync("log");
        await node.EndAsync(first);
        await node.EndAsync(second);

        foreach (var id in new[] { first, second })
        {
            var line = (await node.Reader.LogAsync(TestNode.Operator, id, 0, 100, CancellationToken.None)).Value.ShouldHaveSingleItem();
            (line.Level, line.Text).ShouldBe((LogLevel.Warning, $"From {id}"));
        }

        static void Say(ILogger logger, Guid id) => logger.Log(LogLevel.Warning, 0, id, null, (i, _) => $"From {i}");
    }

    [Theory, DatabaseData]
    public async Task Progress_is_stored_a_few_times_a_second_and_the_last_value_always(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("count", async (operation, _) =>
        {
            for (var i = 1; i <= 10_000; i++)
            {
                operation.Progress(i, 10_000, "bytes");
                if (i % 1000 == 0) await Task.Delay(50, CancellationToken.None);
            }
            return null;
        })], o => o.ProgressEvery = TimeSpan.FromMilliseconds(100));
        var id = Guid.Empty;
        var seen = new HashSet<long>();
        using var stop = new CancellationTokenSource();
        var watch = Task.Run(async () =>
        {
            await foreach (var batch in node.Service<EventStream<OperationInfo>>().SubscribeAsync(_ => Task.FromResult<IReadOnlyList<OperationInfo>>([]), stop.Token))
                foreach (var item in batch.Items) if (item.Progress is { } progress) seen.Add(progress.Done);
        }, CancellationToken.None);

        id = await node.EnqueueAsync("count");
        var ended = await node.EndAsync(id);
        await Task.Delay(300);
        await stop.CancelAsync();
        await watch.ContinueWith(_ => { });

        ended.Progress!.Done.ShouldBe(10_000);
        seen.ShouldContain(10_000);
        seen.Count.ShouldBeInRange(3, 15);
    }

    [Theory, DatabaseData]
    public async Task The_live_stream_tells_each_state(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var gates = new Gates();
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("work", async (_, cancellation) => { await gates.EnterAsync("work", cancellation); return null; })]);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var states = new List<OperationState>();
        var id = Guid.Empty;
        await foreach (var batch in node.Service<EventStream<OperationInfo>>().SubscribeAsync(_ => Task.FromResult<IReadOnlyList<OperationInfo>>([]), stop.Token))
        {
            if (batch.Kind is LiveKind.Snapshot) id = await node.EnqueueAsync("work");
            states.AddRange(batch.Items.Where(i => i.Id == id).Select(i => i.State));
            if (states.Contains(OperationState.Running)) gates.Open("work");
            if (states.LastOrDefault() is OperationState.Succeeded) break;
        }
        states.ShouldBeInOrder();
    }
}
