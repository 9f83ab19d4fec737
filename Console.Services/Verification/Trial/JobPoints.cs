using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Platform;

namespace Quarterdeck.Verification.Trial;

/// <summary>A point to prove.</summary>
internal sealed record JobPoint(Guid Id, Guid RepositoryId, Guid VmId, string VmName);

/// <summary>The newest good points of VMs and jobs.</summary>
internal sealed class JobPoints(RecoveryPoints points, JobBook jobs)
{
    /// <summary>The newest good point of a VM; null when it has none.</summary>
    public async Task<RecoveryPoint?> OfVmAsync(Guid vmId, CancellationToken cancellation) =>
        (await points.ListAsync(Caller.System, new RecoveryPointQuery(vmId, Common: false, Damaged: false), new PageQuery(1, 1), cancellation)).TryGet(out var page, out _) ? page.Items.FirstOrDefault() : null;

    /// <summary>The newest good point of each VM that the job backed up.</summary>
    public async Task<IReadOnlyList<JobPoint>> NewestAsync(Guid jobId, CancellationToken cancellation)
    {
        if (!(await jobs.GetAsync(Caller.System, jobId, cancellation)).TryGet(out var job, out var problem)) throw new ProblemException(problem);
        var newest = new Dictionary<Guid, JobPoint>();
        for (var number = 1; ; number++)
        {
            if (!(await points.ListAsync(Caller.System, new RecoveryPointQuery(RepositoryId: job.RepositoryId, Common: false, Damaged: false), new PageQuery(number, PageQuery.MaxSize), cancellation)).TryGet(out var page, out problem)) throw new ProblemException(problem);
            foreach (var point in page.Items.Where(p => p.JobId == jobId)) newest.TryAdd(point.VmId, new JobPoint(point.Id, point.RepositoryId, point.VmId, point.VmName));
            if (page.Items.Count < PageQuery.MaxSize) return [.. newest.Values.OrderBy(p => p.VmName, StringComparer.OrdinalIgnoreCase)];
        }
    }
}
