using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Tags;

namespace Quarterdeck.Backups.Jobs;

/// <summary>Reads what is asked for; names every field that is wrong.</summary>
internal sealed class JobCheck(RepositoryConnections repositories, TimeProvider time)
{
    private const int MaxName = 80, MaxTargets = 10_000, MaxKept = 10_000, MaxParallel = 16, StandardParallel = 2;

    /// <summary>The job that the request makes, from what is stored or anew.</summary>
    public async Task<Result<BackupJob>> CheckAsync(string caller, NewBackupJob wanted, BackupJob? before, CancellationToken cancellation)
    {
        var errors = new List<FieldError>();
        var name = (wanted.Name ?? "").Trim();
        if (name.Length is 0 or > MaxName || name.Any(char.IsControl)) errors.Add(new("name", "It is no name.", $"Give 1 to {MaxName} characters without control characters."));
        if (!(await repositories.ListAsync(cancellation)).Any(r => r.Id == wanted.RepositoryId)) errors.Add(new("repositoryId", $"There is no repository '{wanted.RepositoryId}'.", "Choose one of GET /repositories."));
        var targets = wanted.Targets ?? new JobTargets();
        if (targets.ApplicationIds.Count > 0) errors.Add(new("targets.applicationIds", "Applications cannot be protected yet.", "Leave it empty."));
        if (!targets.All && targets.VmIds.Count + targets.Tags.Count + targets.HostIds.Count == 0) errors.Add(new("targets", "Nothing would be protected.", "Name VMs, tags or hosts, or set all."));
        if (targets.VmIds.Count + targets.ExceptVmIds.Count + targets.HostIds.Count > MaxTargets) errors.Add(new("targets", "They are too many.", $"Name at most {MaxTargets}; use a tag."));
        var tags = TagIndex.Normalise(targets.Tags);
        errors.AddRange((tags.Problem?.Errors ?? []).Select(e => e with { Field = "targets." + e.Field }));
        if (wanted.Schedule is { } schedule) errors.AddRange(CronRule.Parse(schedule.Cron, schedule.TimeZone, "schedule.").Problem?.Errors ?? []);
        var retention = wanted.Retention ?? new Retention();
        foreach (var (field, value) in new[] { ("last", retention.Last), ("hourly", retention.Hourly), ("daily", retention.Daily), ("weekly", retention.Weekly), ("monthly", retention.Monthly), ("yearly", retention.Yearly) })
            if (value is < 1 or > MaxKept) errors.Add(new($"retention.{field}", $"{value} is not between 1 and {MaxKept}.", "Give such a number, or leave it out."));
        if (wanted.BytesPerSecond is < 1 << 20) errors.Add(new("bytesPerSecond", "It is less than 1 MiB (1048576).", "Give at least 1048576, or leave it out for no limit."));
        if (wanted.ParallelPerHost is < 1 or > MaxParallel) errors.Add(new("parallelPerHost", $"{wanted.ParallelPerHost} is not between 1 and {MaxParallel}.", "Give such a number, or leave it out."));
        if (errors.Count > 0) return Problem.Invalid(errors);
        return new BackupJob
        {
            Id = before?.Id ?? Guid.CreateVersion7(time.GetUtcNow()), Name = name, RepositoryId = wanted.RepositoryId, Targets = targets with { Tags = tags.Value }, Schedule = wanted.Schedule,
            Retention = retention, Verify = wanted.Verify, Enabled = wanted.Enabled, BytesPerSecond = wanted.BytesPerSecond, ParallelPerHost = wanted.ParallelPerHost ?? StandardParallel,
            CreatedBy = before?.CreatedBy ?? caller, CreatedAt = before?.CreatedAt ?? time.GetUtcNow(), LastRunAt = before?.LastRunAt, LastOperationId = before?.LastOperationId,
        };
    }
}
