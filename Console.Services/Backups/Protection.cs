using Quarterdeck.Access;
using Quarterdeck.Backups.Jobs;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups;

/// <summary>How well a VM is protected; the worst first.</summary>
public enum ProtectionLevel
{
    /// <summary>No job means it, and it has no recovery point.</summary>
    Unprotected,
    /// <summary>All its points are damaged.</summary>
    Damaged,
    /// <summary>A job means it, and there is no point yet.</summary>
    Waiting,
    /// <summary>The last run of a job left no good point of it.</summary>
    Late,
    /// <summary>It has points, and no job makes more.</summary>
    ByHand,
    /// <summary>A job means it, and its last run left a good point.</summary>
    Protected,
}

/// <summary>How one VM is protected.</summary>
/// <param name="VmId">The VM.</param>
/// <param name="Name">Its name.</param>
/// <param name="HostName">Its host's.</param>
/// <param name="Level">In one word.</param>
/// <param name="Jobs">Names of the jobs that mean it.</param>
/// <param name="Points">How many recovery points it has.</param>
/// <param name="LastGoodAt">When the newest one without damage was taken.</param>
/// <param name="VerifiedAt">When one was last read back and found good.</param>
/// <param name="NextRunAt">When a job runs next.</param>
public sealed record ProtectedVm(
    Guid VmId, string Name, string HostName, ProtectionLevel Level, IReadOnlyList<string> Jobs, int Points, DateTimeOffset? LastGoodAt, DateTimeOffset? VerifiedAt, DateTimeOffset? NextRunAt);

/// <summary>What protects each VM.</summary>
public sealed class Protection
{
    private readonly JobStore _jobs;
    private readonly JobBook _book;
    private readonly JobVms _vms;
    private readonly PointSummaries _summaries;
    private readonly Guard _guard;

    internal Protection(JobStore jobs, JobBook book, JobVms vms, PointSummaries summaries, Guard guard) => (_jobs, _book, _vms, _summaries, _guard) = (jobs, book, vms, summaries, guard);

    /// <summary>What lists may be sorted by, as REST spells it.</summary>
    public static IReadOnlyCollection<string> Sorts { get; } = ["level", "name", "lastGoodAt", "nextRunAt"];

    /// <summary>One page of VMs, the worst protected first unless sorted otherwise, and how many VMs are at each level.</summary>
    /// <remarks>Jobs name VMs by tag and host, which no single query of one room can decide: the VMs are read in pages, the points summed up by one query, and both joined here.</remarks>
    public async Task<Result<(Page<ProtectedVm> Page, IReadOnlyDictionary<ProtectionLevel, int> Counts)>> ListAsync(Caller caller, ProtectionLevel? level, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Read, "vm", cancellation) is { } refused) return refused;
        var jobs = await _book.WholeAsync(await _jobs.AllAsync(cancellation), cancellation);
        var summaries = await _summaries.AllAsync(cancellation);
        var all = (await _vms.AllAsync(new VmQuery(), cancellation)).Select(vm => Of(vm, jobs, summaries.GetValueOrDefault(vm.Id))).ToList();
        var counts = all.CountBy(v => v.Level).ToDictionary(c => c.Key, c => c.Value);
        var search = page.Search?.Trim() ?? "";
        var rows = all.Where(v => (level is null || v.Level == level) && (search.Length == 0 || v.Name.Contains(search, StringComparison.OrdinalIgnoreCase) || v.Jobs.Any(j => j.Contains(search, StringComparison.OrdinalIgnoreCase)))).ToList();
        var sort = page.Sort ?? "level";
        IOrderedEnumerable<ProtectedVm> ordered = sort.TrimStart('-') switch
        {
            "name" => rows.OrderBy(v => v.Name, StringComparer.OrdinalIgnoreCase),
            "lastGoodAt" => rows.OrderBy(v => v.LastGoodAt),
            "nextRunAt" => rows.OrderBy(v => v.NextRunAt ?? DateTimeOffset.MaxValue),
            _ => rows.OrderBy(v => v.Level).ThenBy(v => v.LastGoodAt),
        };
        var sorted = ordered.ThenBy(v => v.Name, StringComparer.OrdinalIgnoreCase).ThenBy(v => v.VmId);
        var items = (sort.StartsWith('-') ? sorted.Reverse() : sorted).Skip(page.Offset).Take(page.Size).ToList();
        return (new Page<ProtectedVm>(items, rows.Count, page.Number, page.Size), (IReadOnlyDictionary<ProtectionLevel, int>)counts);
    }

    private static ProtectedVm Of(Vm vm, IReadOnlyList<BackupJob> jobs, PointSummary? points)
    {
        var mine = jobs.Where(j => Means(j.Targets, vm)).ToList();
        return new ProtectedVm(vm.Id, vm.Name, vm.HostName, LevelOf(mine, points), [.. mine.Select(j => j.Name)], points?.Points ?? 0, points?.LastGoodAt, points?.VerifiedAt,
            mine.Select(j => j.NextRunAt).Where(t => t is not null).Min());
    }

    private static bool Means(JobTargets targets, Vm vm) =>
        !targets.ExceptVmIds.Contains(vm.Id) && (targets.All || targets.VmIds.Contains(vm.Id) || targets.HostIds.Contains(vm.HostId) || targets.Tags.Any(vm.Tags.Contains));

    private static ProtectionLevel LevelOf(IReadOnlyList<BackupJob> jobs, PointSummary? points)
    {
        if (points is { LastGoodAt: null }) return ProtectionLevel.Damaged;
        if (jobs.Count == 0) return points is null ? ProtectionLevel.Unprotected : ProtectionLevel.ByHand;
        if (points is null) return ProtectionLevel.Waiting;
        // A run that is still going on may be about to make its point.
        var missed = jobs.Any(j => j.LastRunAt > points.LastGoodAt && j.LastState is not (OperationState.Queued or OperationState.Running));
        return missed ? ProtectionLevel.Late : ProtectionLevel.Protected;
    }
}
