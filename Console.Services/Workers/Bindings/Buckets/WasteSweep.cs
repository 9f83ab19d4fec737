using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Repositories;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>Removes what no object refers to any more. Every node may: removing twice does no harm, and what cannot be removed now is tried again.</summary>
internal sealed partial class WasteSweep(UploadIndex uploads, PartStore parts, TimeProvider time, ILogger<WasteSweep> logger) : BackgroundService
{
    private const int AtOnce = 50;
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(5), Later = TimeSpan.FromMinutes(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try { await SweepAsync(stoppingToken); }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    /// <summary>Removes what is due; answers how many parts.</summary>
    internal async Task<int> SweepAsync(CancellationToken cancellation)
    {
        await uploads.ExpireAsync(cancellation);
        var removed = 0;
        while (await uploads.CondemnAsync(AtOnce, cancellation) is { Count: > 0 } due)
            foreach (var waste in due)
            {
                try
                {
                    await parts.RemoveAsync(waste, cancellation);
                    await uploads.RemovedAsync(waste.Part, null, cancellation);
                    removed++;
                }
                catch (RepositoryException e)
                {
                    Log.Away(logger, waste.Part, e);
                    await uploads.RemovedAsync(waste.Part, Later, cancellation);
                }
            }
        return removed;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "What no object of a bucket needs any more could not be looked for; tried again later.")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Warning, "The part {Part}, which no object needs any more, could not be removed; tried again later.")]
        public static partial void Away(ILogger logger, Guid part, Exception error);
    }
}
