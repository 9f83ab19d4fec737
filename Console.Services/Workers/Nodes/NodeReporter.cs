using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Events;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Nodes;

/// <summary>Tells the other nodes of this one's compute servers, where there may be others.</summary>
internal sealed partial class NodeReporter(NodeStore store, ServerFleet fleet, NodeName name, EventBus bus, TimeProvider time, ILogger<NodeReporter> logger) : BackgroundService
{
    /// <summary>How long what a node said last is kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2), Leaving = TimeSpan.FromSeconds(2);
    private bool _told = true;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (!bus.IsShared) return;
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        soon.CancelAfter(Leaving);
        try { await store.ForgetAsync(name.Id, time.GetUtcNow() - Kept, soon.Token); }
        catch (Exception e) { Log.NotTold(logger, e.Message); } // the others see that it is silent
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!bus.IsShared) return;
        using var timer = new PeriodicTimer(Beat, time);
        for (var beat = 0; ; beat++)
        {
            try
            {
                await store.SayAsync(name.Id, name.Name, fleet.List(), stoppingToken);
                if (beat % 30 == 0) await store.ForgetAsync(null, time.GetUtcNow() - Kept, stoppingToken);
                _told = true;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (_told) Log.NotTold(logger, e.Message);
                _told = false;
            }
            if (!await timer.WaitForNextTickAsync(stoppingToken)) return;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Other nodes cannot be told of this one's compute servers: {Reason}")]
        public static partial void NotTold(ILogger logger, string reason);
    }
}
