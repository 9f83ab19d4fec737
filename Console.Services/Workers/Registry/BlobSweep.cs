using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Workers.Projects;

namespace Quarterdeck.Workers.Registry;

/// <summary>Removes modules and files that no version has any more, now and then.</summary>
internal sealed partial class BlobSweep(BlobStore blobs, Bundler bundler, TimeProvider time, ILogger<BlobSweep> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        bundler.ClearLeftovers();
        using var timer = new PeriodicTimer(Pause, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    if (await blobs.SweepAsync(stoppingToken) is > 0 and var removed) Log.Swept(logger, removed);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Count} modules and files of workers, which no version has any more, were removed.")]
        public static partial void Swept(ILogger logger, int count);

        [LoggerMessage(LogLevel.Warning, "Modules and files that no version has any more could not be removed; tried again later.")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
