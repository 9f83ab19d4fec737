using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;

namespace Quarterdeck.Backups.Jobs;

/// <summary>What the schedule of a job does; the input is <c>{"jobId":"…","name":"…"}</c>.</summary>
internal sealed class ScheduledJobRun(JobStore jobs) : IScheduledAction
{
    public string Key => JobRunHandler.RunKind.Key;

    public string Title => JobRunHandler.RunKind.Title;

    public Permission Permission => BackupsPermissions.Run;

    // The job is written together with its schedule, so it may not be there yet.
    public Task<Result<ScheduledTarget>> TargetAsync(Caller caller, JsonElement input, CancellationToken cancellation) => Task.FromResult(
        Job(input) is { } id && input.TryGetProperty("name", out var name) && name.ValueKind is JsonValueKind.String
            ? Result<ScheduledTarget>.From(new ScheduledTarget($"backup-job:{id}", name.GetString()!))
            : Problem.Invalid("input.jobId", "It is no id of a backup job.", "Set the schedule with the job: PUT /backup-jobs/{id}."));

    public async Task<Result<NewOperation>> PrepareAsync(Caller caller, JsonElement input, CancellationToken cancellation) =>
        Job(input) is { } id && await jobs.FindAsync(id, cancellation) is { } job ? Run(job) : Problem.Conflict("The job is gone", "The backup job was deleted.");

    /// <summary>What a run queues; two runs of one job wait for each other.</summary>
    public static NewOperation Run(BackupJob job) =>
        new(JobRunHandler.RunKind.Key, $"backup-job:{job.Id}", job.Name, new JobTarget(job.Id)) { Locks = [new($"backup-job:{job.Id}", LockMode.Exclusive)] };

    private static Guid? Job(JsonElement input) => input.TryGetProperty("jobId", out var value) && value.ValueKind is JsonValueKind.String && value.TryGetGuid(out var id) ? id : null;
}
