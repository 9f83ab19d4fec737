using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Running;

/// <summary>Takes up what crashes leave: operations whose node is gone, and bookkeeping that broke off between two steps.</summary>
internal sealed partial class Recovery(
    NodeStore nodes, OperationStore operations, EndingStore endings, SweepStore sweeps, OperationKinds kinds, RunRegistry registry, ReadyQueue ready, OperationFeed feed,
    NodeIdentity node, IOptions<OperationsOptions> options, TimeProvider time, ILogger<Recovery> logger)
{
    /// <summary>An operation that was resumed so often without coming to its end is what kills the nodes.</summary>
    public const int MaxCrashes = 5;

    private readonly Stillness _stillness = new();

    /// <summary>Strikes out nodes whose beat stood still for too long, measured by this node's own clock and only while it could look.</summary>
    public async Task StrikeDeadNodesAsync(CancellationToken cancellation)
    {
        var rows = await nodes.ListAsync(cancellation);
        var others = rows.Where(r => r.Token != node.Token).ToArray();
        var still = _stillness.Look([.. others.Select(r => (r.Token, r.Beat))], time.GetTimestamp(), options.Value.Heartbeat * 3, time);
        foreach (var row in others.Where(r => still[r.Token] > options.Value.DeadAfter))
            if (await nodes.StrikeAsync(row, cancellation)) Log.Dead(logger, row.Name);
    }

    /// <summary>Brings operations without a living node back into the queue: to go on, or to be undone and called lost.</summary>
    public async Task TakeUpAsync(CancellationToken cancellation)
    {
        foreach (var row in await nodes.OrphansAsync(node.Token, cancellation))
        {
            if (registry.Has(row.Id)) continue;
            var resumes = !row.Attended && kinds.Find(row.Kind)?.Kind.Resumes != false;
            var why = new Requeue { Crashed = true };
            if (!resumes) why = why with { Ending = OperationState.Lost, Problem = Remedies.Lost(row, row.Node) };
            else if (row.Crashes >= MaxCrashes) why = why with { Ending = OperationState.Lost, Problem = Remedies.KeepsCrashing(row) };
            if (!await operations.RequeueAsync(new Lease(row.Id, row.Owner!.Value, row.Attempt), why, cancellation)) continue;
            Log.TakenUp(logger, row.Id, row.Kind, row.Node, why.Ending is null ? "goes on" : "is undone and lost");
            ready.Add(new Ready(row.Id, row.Attempt, null));
            feed.Changed(row.Id);
        }
    }

    /// <summary>Operations that may start but perhaps were never told to the job engine.</summary>
    public Task<IReadOnlyList<Ready>> ForgottenAsync(TimeSpan untouched, CancellationToken cancellation) => sweeps.WaitingAsync(untouched, cancellation);

    /// <summary>Grants locks and ends parents that a crash left waiting for nothing.</summary>
    public async Task SettleAsync(CancellationToken cancellation)
    {
        ready.Add(await sweeps.GrantAsync(cancellation));
        foreach (var parent in await sweeps.UnsettledAsync(cancellation))
        {
            var freed = await endings.SettleAsync(parent, cancellation);
            ready.Add(freed.Ready);
            feed.Changed(freed.Changed);
        }
    }

    /// <summary>Removes operations that retention no longer keeps.</summary>
    public async Task RetireAsync(CancellationToken cancellation)
    {
        var gone = await sweeps.RetireAsync(options.Value.RetentionDays, options.Value.RetentionCount, cancellation);
        if (gone.Count == 0) return;
        feed.Removed(gone);
        Log.Retired(logger, gone.Count);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The node {Name} has stopped: its operations are taken up.")]
        public static partial void Dead(ILogger logger, string name);

        [LoggerMessage(LogLevel.Warning, "Operation {Id} ({Kind}) of the stopped node {Node} {What}.")]
        public static partial void TakenUp(ILogger logger, Guid id, string kind, string? node, string what);

        [LoggerMessage(LogLevel.Information, "{Count} old operations were removed.")]
        public static partial void Retired(ILogger logger, int count);
    }
}
