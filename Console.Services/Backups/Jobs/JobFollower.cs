using Microsoft.Extensions.Hosting;
using Quarterdeck.Events;
using Quarterdeck.Operations;

namespace Quarterdeck.Backups.Jobs;

/// <summary>A job shows where its last run stands: whenever a run changes, the job is told as changed, too.</summary>
internal sealed class JobFollower(EventStream<OperationInfo> operations, EventStream<BackupJob> jobs) : BackgroundService
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var batch in operations.SubscribeAsync(_ => Task.FromResult<IReadOnlyList<OperationInfo>>([]), stoppingToken, Pace))
                jobs.Changed([.. batch.Items.Where(o => o.Kind == JobRunHandler.RunKind.Key).Select(o => o.Target["backup-job:".Length..]).Distinct()]);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }
}
