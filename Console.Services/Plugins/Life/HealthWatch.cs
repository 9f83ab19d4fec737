using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Events;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Life;

/// <summary>Notices plug-ins that fall silent.</summary>
internal sealed partial class HealthWatch(PluginStore plugins, EventStream<Plugin> stream, TimeProvider time, IOptions<PluginsOptions> options, ILogger<HealthWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var interval = TimeSpan.FromSeconds(options.Value.HeartbeatSeconds);
        var began = time.GetUtcNow();
        using var timer = new PeriodicTimer(interval / 3, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try { await LookAsync(began, interval, stoppingToken); }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
        }
    }

    /// <summary>A console that was off has missed the heartbeats itself: nobody is called silent before it could be heard.</summary>
    internal async Task LookAsync(DateTimeOffset began, TimeSpan interval, CancellationToken cancellation)
    {
        var up = time.GetUtcNow() - began;
        var (degraded, unreachable) = (interval * options.Value.DegradedAfter, interval * options.Value.UnreachableAfter);
        if (up < degraded) return;
        var changed = await plugins.SilenceAsync(time.GetUtcNow() - degraded, up < unreachable ? DateTimeOffset.UnixEpoch : time.GetUtcNow() - unreachable, cancellation);
        if (changed.Count > 0) stream.Changed([.. changed]);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The health of plug-ins could not be looked at.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
