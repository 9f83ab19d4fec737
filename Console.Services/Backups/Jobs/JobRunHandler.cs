using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Jobs;

/// <summary>Input of <c>backup-job.run</c>.</summary>
internal sealed record JobTarget(Guid JobId);

/// <summary><c>backup-job.run</c>: a part for each VM, so many of a host at once; then retention, and verification of what is new.</summary>
internal sealed class JobRunHandler(JobStore jobs, JobVms vms, JobRetention retention, RecoveryPoints points, OperationReader reader, TimeProvider time) : IOperationHandler
{
    public static readonly OperationKind RunKind = new("backup-job.run", "Run backup job", BackupsPermissions.Run);

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    public OperationKind Kind => RunKind;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var job = await jobs.FindAsync(operation.Input<JobTarget>().JobId, cancellation) ?? throw new ProblemException(Problem.Conflict("The job is gone", "The backup job was deleted before this run began."));
        await jobs.RunsAsync(job.Id, operation.Id, time.GetUtcNow(), cancellation);
        var chosen = await operation.StepAsync("choose", "Choosing VMs", async ct =>
            new Chosen(time.GetUtcNow(), [.. (await vms.OfAsync(job.Targets, ct)).Select(v => new ChosenVm(v.Id, v.Name, v.HostId))]));
        if (chosen.Vms.Count == 0) throw new ProblemException(Problem.Conflict("Nothing to protect", "None of the job's VMs, tags and hosts means a VM that exists. Change what the job protects."));
        var outcomes = await operation.StepAsync("back-up", $"Backing up {chosen.Vms.Count} VM{(chosen.Vms.Count == 1 ? "" : "s")}", ct => BackUpAsync(operation, job, chosen, ct));
        var good = outcomes.Where(o => o.Problem is null).ToList();
        var retired = await operation.StepAsync("retain", "Removing what retention does not keep", ct => retention.ApplyAsync(operation, job, [.. good.Select(o => o.VmId)], good.Select(o => o.PointId).OfType<Guid>().ToHashSet(), ct));
        if (job.Verify) await operation.StepAsync("verify", "Reading back what is new", ct => VerifyAsync(operation, job, good, ct));
        if (good.Count == 0) throw new ProblemException(Problem.Conflict("No VM was backed up", string.Join(" ", outcomes.Select(o => $"{o.Name}: {o.Problem}"))));
        foreach (var failed in outcomes.Where(o => o.Problem is not null)) operation.Warn($"{failed.Name}: {failed.Problem}");
        return new { vms = outcomes.Count, succeeded = good.Count, failed = outcomes.Count - good.Count, readBytes = good.Sum(o => o.ReadBytes), storedBytes = good.Sum(o => o.StoredBytes), retired };
    }

    private async Task<IReadOnlyList<Outcome>> BackUpAsync(IOperationContext operation, BackupJob job, Chosen chosen, CancellationToken cancellation)
    {
        var waiting = chosen.Vms.ToList();
        var running = new Dictionary<Guid, ChosenVm>(); // by operation
        var outcomes = new List<Outcome>();
        // After a kill: what this run had queued already.
        foreach (var part in await PartsAsync(operation, chosen.Since, cancellation))
            if (waiting.Find(v => $"vm:{v.Id}" == part.Target) is { } vm && waiting.Remove(vm)) running[part.Id] = vm;
        while (waiting.Count + running.Count > 0)
        {
            foreach (var vm in waiting.ToList())
            {
                if (running.Values.Count(r => r.HostId == vm.HostId) >= job.ParallelPerHost) continue;
                waiting.Remove(vm);
                var queued = await points.BackUpAsync(operation.RequestedBy, new NewBackup(vm.Id, job.RepositoryId, JobId: job.Id, BytesPerSecond: job.BytesPerSecond) { Parent = operation.Id }, cancellation);
                if (queued.TryGet(out var id, out var refused)) running[id] = vm;
                else outcomes.Add(new Outcome(vm.Id, vm.Name, null, 0, 0, refused.Detail));
            }
            foreach (var ended in await EndedAsync(running.Keys, cancellation))
            {
                running.Remove(ended.Id, out var vm);
                outcomes.Add(Outcome.Of(vm!, ended));
            }
            operation.Progress(outcomes.Count, chosen.Vms.Count, "VMs");
            if (running.Count > 0) await Task.Delay(Glance, time, cancellation);
        }
        return outcomes;
    }

    private async Task VerifyAsync(IOperationContext operation, BackupJob job, IReadOnlyList<Outcome> good, CancellationToken cancellation)
    {
        var running = new Dictionary<Guid, Outcome>();
        foreach (var outcome in good)
            if (outcome.PointId is { } point && (await points.VerifyAsync(operation.RequestedBy, point, cancellation, job.RepositoryId, operation.Id)).TryGet(out var id, out _)) running[id] = outcome;
        while (running.Count > 0)
        {
            foreach (var ended in await EndedAsync(running.Keys, cancellation))
                if (running.Remove(ended.Id, out var outcome) && ended.State is not OperationState.Succeeded) operation.Warn($"{outcome.Name}: the new recovery point did not verify. {ended.Problem?.Detail}");
            if (running.Count > 0) await Task.Delay(Glance, time, cancellation);
        }
    }

    private async Task<IReadOnlyList<OperationInfo>> PartsAsync(IOperationContext operation, DateTimeOffset since, CancellationToken cancellation)
    {
        var all = new List<OperationInfo>();
        for (var number = 1; ; number++)
        {
            var page = (await reader.ListAsync(Caller.System, new OperationQuery { Parent = operation.Id, Kind = Points.BackUpHandler.BackUp.Key }, new PageQuery(number, PageQuery.MaxSize), cancellation)).Value;
            all.AddRange(page.Items.Where(o => o.CreatedAt >= since));
            if (page.Items.Count < PageQuery.MaxSize) return all;
        }
    }

    private async Task<IReadOnlyList<OperationInfo>> EndedAsync(IEnumerable<Guid> ids, CancellationToken cancellation)
    {
        var wanted = ids.Take(PageQuery.MaxSize).ToList();
        var found = (await reader.GetAsync(Caller.System, wanted, cancellation)).Value;
        return [.. found.Where(o => o.Ended)];
    }

    internal sealed record ChosenVm(Guid Id, string Name, Guid HostId);

    internal sealed record Chosen(DateTimeOffset Since, IReadOnlyList<ChosenVm> Vms);

    internal sealed record Outcome(Guid VmId, string Name, Guid? PointId, long ReadBytes, long StoredBytes, string? Problem)
    {
        public static Outcome Of(ChosenVm vm, OperationInfo ended)
        {
            if (ended.State is not (OperationState.Succeeded or OperationState.Warning))
                return new Outcome(vm.Id, vm.Name, null, 0, 0, ended.Problem?.Detail ?? $"Its backup was {ended.State.ToString().ToLowerInvariant()}.");
            var result = ended.Result is { ValueKind: JsonValueKind.Object } found ? found : default;
            return new Outcome(vm.Id, vm.Name, result.TryGetProperty("recoveryPointId", out var point) ? point.GetGuid() : null, Number("readBytes"), Number("storedBytes"), null);

            long Number(string member) => result.TryGetProperty(member, out var value) ? value.GetInt64() : 0;
        }
    }
}
