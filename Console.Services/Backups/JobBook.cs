using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Backups.Jobs;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;

namespace Quarterdeck.Backups;

/// <summary>The backup jobs: reading, setting and running them, and what their retention makes of the points.</summary>
public sealed class JobBook
{
    private readonly JobStore _store;
    private readonly JobCheck _check;
    private readonly JobVms _vms;
    private readonly JobRetention _retention;
    private readonly ScheduleBook _schedules;
    private readonly OperationQueue _queue;
    private readonly OperationReader _operations;
    private readonly EventStream<BackupJob> _stream;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal JobBook(
        JobStore store, JobCheck check, JobVms vms, JobRetention retention, ScheduleBook schedules, OperationQueue queue, OperationReader operations, EventStream<BackupJob> stream, Guard guard, AuditLog audit) =>
        (_store, _check, _vms, _retention, _schedules, _queue, _operations, _stream, _guard, _audit) = (store, check, vms, retention, schedules, queue, operations, stream, guard, audit);

    /// <summary>What lists may be sorted by, as REST spells it.</summary>
    public static IReadOnlyCollection<string> Sorts { get; } = [.. JobStore.Sorts.Keys];

    /// <summary>One page; the search looks into the name.</summary>
    public async Task<Result<Page<BackupJob>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Read, Kind, cancellation) is { } refused) return refused;
        var found = await _store.ListAsync(page, cancellation);
        return found with { Items = await WholeAsync(found.Items, cancellation) };
    }

    /// <summary>One job.</summary>
    public async Task<Result<BackupJob>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Read, Target(id), cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } found ? (await WholeAsync([found], cancellation))[0] : Problem.NotFound("backup job", id);
    }

    /// <summary>Adds a job with its schedule.</summary>
    public async Task<Result<BackupJob>> AddAsync(Caller caller, NewBackupJob wanted, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, BackupsPermissions.ManageJobs, Kind, cancellation) is { } refused ? refused : await SaveAsync(caller, wanted, null, cancellation);

    /// <summary>Replaces a job; its points and when it last ran are kept.</summary>
    public async Task<Result<BackupJob>> ReplaceAsync(Caller caller, Guid id, NewBackupJob wanted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.ManageJobs, Target(id), cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } before ? await SaveAsync(caller, wanted, before, cancellation) : Problem.NotFound("backup job", id);
    }

    /// <summary>Deletes a job and its schedule. Its recovery points stay, and no retention removes them any more.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.ManageJobs, Target(id), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } job) return Problem.NotFound("backup job", id);
        var schedule = (await _schedules.PrepareOwnedAsync(caller, Target(id), null, cancellation)).Value;
        await _store.DeleteAsync(id, async connection =>
        {
            await schedule.WriteAsync(connection);
            await _audit.WriteAsync(connection, caller, "backup-job.delete", Target(id), job.Name, Shown(job), null, cancellation);
        }, cancellation);
        schedule.Tell();
        _stream.Remove(id.ToString());
        return Done.It;
    }

    /// <summary>Queues a run now; answers the operation's id. A run that is under way is waited for.</summary>
    public async Task<Result<Guid>> RunAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Run, Target(id), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } job) return Problem.NotFound("backup job", id);
        return await _queue.EnqueueAsync(caller, ScheduledJobRun.Run(job), cancellation);
    }

    /// <summary>What the retention would make of the points that the job has now: its own, or another to try.</summary>
    public async Task<Result<IReadOnlyList<KeptPoint>>> PreviewAsync(Caller caller, Guid id, Retention? retention, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Read, Target(id), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } job) return Problem.NotFound("backup job", id);
        var kept = new List<KeptPoint>();
        foreach (var vm in await _vms.OfAsync(job.Targets, cancellation)) kept.AddRange(await _retention.LookAsync(job, retention ?? job.Retention, vm.Id, cancellation));
        return kept;
    }

    private const string Kind = "backup-job";

    private static string Target(Guid id) => $"{Kind}:{id}";

    private async Task<Result<BackupJob>> SaveAsync(Caller caller, NewBackupJob wanted, BackupJob? before, CancellationToken cancellation)
    {
        if (!(await _check.CheckAsync(caller.Name, wanted, before, cancellation)).TryGet(out var job, out var problem)) return problem;
        var rule = job.Schedule is { } s
            ? new NewSchedule(job.Name, JobRunHandler.RunKind.Key, JsonSerializer.SerializeToElement(new { jobId = job.Id, name = job.Name }), s.Cron, s.TimeZone, s.Blackouts, job.Enabled) : null;
        if (!(await _schedules.PrepareOwnedAsync(caller, Target(job.Id), rule, cancellation)).TryGet(out var schedule, out problem))
            return problem with { Errors = [.. problem.Errors.Select(e => e with { Field = "schedule." + e.Field })] };
        var taken = await _store.SaveAsync(job, async connection =>
        {
            await schedule.WriteAsync(connection);
            await _audit.WriteAsync(connection, caller, before is null ? "backup-job.create" : "backup-job.change", Target(job.Id), job.Name, before is null ? null : Shown(before), Shown(job), cancellation);
        }, cancellation);
        if (taken is not null) return taken;
        schedule.Tell();
        _stream.Changed(job.Id.ToString());
        return (await WholeAsync([job], cancellation))[0];
    }

    /// <summary>With schedule and last run, by one query each.</summary>
    internal async Task<IReadOnlyList<BackupJob>> WholeAsync(IReadOnlyList<BackupJob> jobs, CancellationToken cancellation)
    {
        var schedules = await _schedules.OfAsync([.. jobs.Select(j => Target(j.Id))], cancellation);
        var runs = (await _operations.GetAsync(Caller.System, [.. jobs.Select(j => j.LastOperationId).OfType<Guid>()], cancellation)).Value.ToDictionary(o => o.Id, o => o.State);
        return [.. jobs.Select(job =>
        {
            var schedule = schedules.GetValueOrDefault(Target(job.Id));
            return job with
            {
                Schedule = schedule is null ? null : new JobSchedule(schedule.Cron, schedule.TimeZone, schedule.Blackouts), NextRunAt = schedule?.NextRunAt,
                LastState = job.LastOperationId is { } last && runs.TryGetValue(last, out var state) ? state : null,
            };
        })];
    }

    private static object Shown(BackupJob j) => new { j.Name, j.RepositoryId, j.Targets, j.Schedule, j.Retention, j.Verify, j.Enabled, j.BytesPerSecond, j.ParallelPerHost };
}
