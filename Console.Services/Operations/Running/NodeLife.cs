using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Operations.Scheduling;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations.Running;

/// <summary>This node's life: enters, beats, looks after others, and at shutdown gives back what it cannot finish.</summary>
internal sealed partial class NodeLife(
    NodeStore nodes, NodeIdentity node, Recovery recovery, RunRegistry registry, OperationKinds kinds, JobEngine engine,
    IOptions<OperationsOptions> options, TimeProvider time, ILogger<NodeLife> logger) : IHostedService
{
    private static readonly TimeSpan Retiring = TimeSpan.FromHours(1);
    private readonly CancellationTokenSource _end = new();
    private Task _life = Task.CompletedTask;
    private Task _journals = Task.CompletedTask;

    /// <summary>Enters and takes up what is left over before the job engine starts.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await nodes.EnterAsync(node.Name, node.Token, cancellationToken);
        await nodes.ForgetOthersAsync(node.Name, cancellationToken);
        await engine.StartAsync(cancellationToken);
        await recovery.TakeUpAsync(cancellationToken);
        await recovery.SettleAsync(cancellationToken);
        await engine.RemindAsync(await recovery.ForgottenAsync(TimeSpan.Zero, cancellationToken), cancellationToken);
        _life = Task.Run(() => LiveAsync(_end.Token), CancellationToken.None);
        _journals = Task.Run(() => KeepJournalsAsync(_end.Token), CancellationToken.None);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await engine.PauseAsync(cancellationToken);
        // What cannot be resumed gets most of the time to come to its end, and the rest of it to be undone.
        await DrainAsync(options.Value.ShutdownGrace * 0.6, run => run.Row.Attended || kinds.Find(run.Row.Kind)?.Kind.Resumes != false, cancellationToken);
        await DrainAsync(options.Value.ShutdownGrace * 0.4, _ => true, cancellationToken);
        await _end.CancelAsync();
        await Task.WhenAll(_life, _journals).WaitAsync(TimeSpan.FromSeconds(2), CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await engine.StopAsync(cancellationToken);
        try { await nodes.LeaveAsync(node.Token, cancellationToken); }
        catch (Exception e) when (Patience.IsAway(e) || e is OperationCanceledException) { Log.Left(logger, e.Message); }
    }

    private async Task LiveAsync(CancellationToken cancellation)
    {
        var (settled, retired) = (time.GetTimestamp(), 0L);
        using var timer = new PeriodicTimer(options.Value.Heartbeat, time);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                if (!await timer.WaitForNextTickAsync(cancellation)) return;
                await BeatAsync(cancellation);
                if (time.GetElapsedTime(settled) > options.Value.SweepEvery)
                {
                    settled = time.GetTimestamp();
                    await recovery.SettleAsync(cancellation);
                    await engine.RemindAsync(await recovery.ForgottenAsync(options.Value.SweepEvery, cancellation), cancellation);
                }
                if (retired == 0 || time.GetElapsedTime(retired) > Retiring)
                {
                    retired = time.GetTimestamp();
                    await recovery.RetireAsync(cancellation);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested) { return; }
            catch (Exception e) { Log.Missed(logger, e); } // the loop must outlive every outage: nothing else would take up the operations
        }
    }

    private async Task BeatAsync(CancellationToken cancellation)
    {
        if (!await nodes.BeatAsync(node.Name, node.Token, cancellation))
        {
            // Others took this node for dead and have its operations now: stop them here, and come back as a new node.
            Log.GivenUp(logger, node.Name);
            foreach (var run in registry.Runs) run.Stop(StopReason.Fenced);
            node.Renew();
            await nodes.EnterAsync(node.Name, node.Token, cancellation);
        }
        foreach (var id in await nodes.CancelledAsync(node.Token, cancellation)) registry.Stop(id, StopReason.Cancelled);
        await recovery.StrikeDeadNodesAsync(cancellation);
        await recovery.TakeUpAsync(cancellation);
    }

    private async Task KeepJournalsAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(options.Value.ProgressEvery, time);
        while (await timer.WaitForNextTickAsync(cancellation).AsTask().ContinueWith(t => t.IsCompletedSuccessfully && t.Result, TaskScheduler.Default))
            foreach (var run in registry.Runs)
            {
                try { await run.FlushAsync(cancellation); }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested) { return; }
                catch (ObjectDisposedException) { } // it ended meanwhile, and stored its journal with that
                catch (FencedException) { } // or it was taken away; its own next write says so
                catch (Exception e) { Log.Unwritten(logger, run.Id, e.Message); }
            }
    }

    /// <summary>Waits until nothing runs here, and stops meanwhile what shall stop; also what was only just being claimed.</summary>
    private async Task DrainAsync(TimeSpan within, Func<OperationRun, bool> which, CancellationToken cancellation)
    {
        for (var began = time.GetTimestamp(); !registry.IsEmpty && time.GetElapsedTime(began) < within && !cancellation.IsCancellationRequested;)
        {
            foreach (var run in registry.Runs.Where(which)) run.Stop(StopReason.Shutdown);
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, CancellationToken.None);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Looking after operations failed; the next beat tries again.")]
        public static partial void Missed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Warning, "Other nodes took {Name} for dead; its operations are theirs now.")]
        public static partial void GivenUp(ILogger logger, string name);

        [LoggerMessage(LogLevel.Warning, "Progress and log of operation {Id} wait for the database: {Reason}")]
        public static partial void Unwritten(ILogger logger, Guid id, string reason);

        [LoggerMessage(LogLevel.Warning, "This node could not sign off: {Reason}")]
        public static partial void Left(ILogger logger, string reason);
    }
}
