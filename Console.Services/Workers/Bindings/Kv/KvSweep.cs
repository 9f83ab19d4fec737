using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Workers.Bindings.Kv;

/// <summary>Removes expired keys now and then. Every node may: removing twice does no harm.</summary>
internal sealed partial class KvSweep(KvStore store, TimeProvider time, ILogger<KvSweep> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try { await store.SweepAsync(stoppingToken); }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Expired keys of workers could not be removed; nobody sees them, and it is tried again later.")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
