using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Workers.Tiers;

/// <summary>Brings workers back whose time is over; on every node, the database decides who does it.</summary>
internal sealed partial class TierReturns(TierBook book, TimeProvider time, ILogger<TierReturns> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try { await book.ReturnDueAsync(stoppingToken); }
            catch (Exception e) when (e is not OperationCanceledException) { Log.Failed(logger, e); }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Workers whose time is over could not be brought back; trying again.")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
