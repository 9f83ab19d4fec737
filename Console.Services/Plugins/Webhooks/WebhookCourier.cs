using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Webhooks;

/// <summary>Delivers waiting events: in order for each plug-in, several plug-ins at once, and later again what was not taken.</summary>
internal sealed partial class WebhookCourier(WebhookStore store, PluginStore plugins, WebhookPost post, TimeProvider time, ILogger<WebhookCourier> logger) : BackgroundService
{
    private const int AtOnce = 8;
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Glance, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try { await Parallel.ForEachAsync(await store.DueAsync(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stoppingToken }, async (id, c) => await DeliverAsync(id, c)); }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
        }
    }

    /// <summary>Delivers what is due to one plug-in until something is not taken.</summary>
    internal async Task DeliverAsync(Guid pluginId, CancellationToken cancellation)
    {
        while (await store.NextAsync(pluginId, cancellation) is { } next)
        {
            var plugin = (await plugins.FindAsync(pluginId, cancellation))?.ToPlugin();
            if (plugin?.Webhook is null || plugin.State is not (PluginState.Ready or PluginState.Degraded or PluginState.Unreachable))
            {
                await store.ClearAsync(pluginId, cancellation);
                return;
            }
            if (await post.SendAsync(plugin, next, cancellation) is not { } reason)
            {
                await store.DoneAsync(next.Number, cancellation);
                continue;
            }
            var pause = TimeSpan.FromSeconds(Math.Min(Longest.TotalSeconds, Math.Pow(2, next.Attempts)));
            await store.LaterAsync(next.Number, time.GetUtcNow() + pause, cancellation);
            if (next.Attempts == 3) await store.TellAsync(pluginId, $"It does not take its events: {reason}. They wait, {WebhookStore.Waiting} at most.", cancellation);
            Log.NotTaken(logger, plugin.Name, next.Name, reason, pause.TotalSeconds);
            return;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Events could not be delivered to plug-ins.")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(LogLevel.Information, "{Plugin} did not take {Event}: {Reason}. Again in {Seconds} s.")]
        public static partial void NotTaken(ILogger logger, string plugin, string @event, string reason, double seconds);
    }
}
