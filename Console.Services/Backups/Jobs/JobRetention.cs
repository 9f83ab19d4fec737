using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Jobs;

/// <summary>Removes the points that a job does not keep, and what has expired.</summary>
internal sealed class JobRetention(RecoveryPoints points, OperationReader reader, TimeProvider time)
{
    /// <summary>What retention makes of a job's points of one VM, newest first.</summary>
    public async Task<IReadOnlyList<KeptPoint>> LookAsync(BackupJob job, Retention retention, Guid vmId, CancellationToken cancellation)
    {
        var mine = (await points.OfVmAsync(vmId, job.RepositoryId, cancellation)).Where(p => p.JobId == job.Id && !p.Common).ToList();
        var reasons = RetentionRule.Apply(retention, Zone(job), mine);
        return [.. mine.Select(p => new KeptPoint(p.Id, p.VmId, p.VmName, p.CreatedAt, reasons[p.Id]))];
    }

    /// <summary>Applies it to VMs that were just backed up; answers how many points went.</summary>
    /// <param name="operation">The run.</param>
    /// <param name="job">Its job.</param>
    /// <param name="vmIds">The VMs.</param>
    /// <param name="made">The points that this run made: they stay whatever their times say, for a clock may have been set back.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <remarks>Never touches what a restore or a verification is reading; the next run sees it again.</remarks>
    public async Task<int> ApplyAsync(IOperationContext operation, BackupJob job, IReadOnlyList<Guid> vmIds, IReadOnlySet<Guid> made, CancellationToken cancellation)
    {
        var retired = 0;
        foreach (var vm in vmIds)
        {
            var old = (await LookAsync(job, job.Retention, vm, cancellation)).Where(p => p.Reasons.Count == 0).Select(p => (p.PointId, Why: $"The retention of '{job.Name}' does not keep it.")).ToList();
            old.AddRange((await points.OfVmAsync(vm, job.RepositoryId, cancellation)).Where(p => p.ExpiresAt <= time.GetUtcNow()).Select(p => (p.Id, "It has expired.")));
            var held = await reader.HeldAsync([.. old.Select(o => $"recovery-point:{o.PointId}")], cancellation);
            foreach (var (id, why) in old.DistinctBy(o => o.PointId).Where(o => !made.Contains(o.PointId) && !held.Contains($"recovery-point:{o.PointId}")))
            {
                try
                {
                    await points.RetireAsync(operation.RequestedBy, id, job.RepositoryId, why, cancellation);
                    retired++;
                }
                catch (ProblemException e) { operation.Warn($"A recovery point could not be removed: {e.Problem.Detail}"); }
            }
        }
        return retired;
    }

    private static TimeZoneInfo Zone(BackupJob job) => TimeZoneInfo.TryFindSystemTimeZoneById(job.Schedule?.TimeZone ?? "UTC", out var zone) ? zone : TimeZoneInfo.Utc;
}
