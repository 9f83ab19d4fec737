using Quarterdeck.Operations;
using Quarterdeck.Schedules;

namespace Quarterdeck.Backups;

/// <summary>What a job protects: the VMs that any of these names, less the exceptions; looked up anew at each run.</summary>
public sealed record JobTargets
{
    /// <summary>Picked VMs.</summary>
    public IReadOnlyList<Guid> VmIds { get; init; } = [];

    /// <summary>VMs with any of these tags.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>VMs of these hosts.</summary>
    public IReadOnlyList<Guid> HostIds { get; init; } = [];

    /// <summary>Every VM.</summary>
    public bool All { get; init; }

    /// <summary>VMs that are left out, whatever names them.</summary>
    public IReadOnlyList<Guid> ExceptVmIds { get; init; } = [];

    /// <summary>Applications; none can be protected yet.</summary>
    public IReadOnlyList<Guid> ApplicationIds { get; init; } = [];
}

/// <summary>When a job runs by itself.</summary>
/// <param name="Cron">Five fields of crontab(5).</param>
/// <param name="TimeZone">An IANA name; retention counts its days in it, too.</param>
/// <param name="Blackouts">Hours in which no run starts.</param>
public sealed record JobSchedule(string? Cron, string? TimeZone, IReadOnlyList<Blackout>? Blackouts = null);

/// <summary>How many recovery points of a VM stay; each number keeps the newest of so many hours, days … that have one. Without any number all stay.</summary>
/// <param name="Last">The newest, whatever their time.</param>
/// <param name="Hourly">Hours.</param>
/// <param name="Daily">Days.</param>
/// <param name="Weekly">Weeks, from Monday (ISO 8601).</param>
/// <param name="Monthly">Months.</param>
/// <param name="Yearly">Years.</param>
public sealed record Retention(int? Last = null, int? Hourly = null, int? Daily = null, int? Weekly = null, int? Monthly = null, int? Yearly = null)
{
    /// <summary>Whether nothing is ever removed.</summary>
    public bool KeepsAll() => (Last ?? Hourly ?? Daily ?? Weekly ?? Monthly ?? Yearly) is null;
}

/// <summary>What is asked for.</summary>
/// <param name="Name">For people, unique, 1 to 80 characters.</param>
/// <param name="RepositoryId">Where the points go.</param>
/// <param name="Targets">What is protected.</param>
/// <param name="Schedule">When; null for by hand only.</param>
/// <param name="Retention">What stays; null for everything.</param>
/// <param name="Verify">Whether each new point is read back and compared.</param>
/// <param name="Enabled">Whether the schedule runs.</param>
/// <param name="BytesPerSecond">Most bytes a second to read from one VM, at least 1 MiB; null for no limit.</param>
/// <param name="ParallelPerHost">VMs of one host that are backed up at once, 1 to 16; null for 2.</param>
public sealed record NewBackupJob(
    string? Name, Guid RepositoryId, JobTargets? Targets, JobSchedule? Schedule = null, Retention? Retention = null, bool Verify = false, bool Enabled = true,
    long? BytesPerSecond = null, int? ParallelPerHost = null);

/// <summary>What to protect, where to, when, and how long to keep it.</summary>
public sealed record BackupJob
{
    /// <summary>UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>For people, unique.</summary>
    public required string Name { get; init; }

    /// <summary>Where the points go.</summary>
    public required Guid RepositoryId { get; init; }

    /// <summary>What is protected.</summary>
    public required JobTargets Targets { get; init; }

    /// <summary>When it runs by itself; null for by hand only.</summary>
    public JobSchedule? Schedule { get; init; }

    /// <summary>What stays.</summary>
    public required Retention Retention { get; init; }

    /// <summary>Whether each new point is read back and compared.</summary>
    public required bool Verify { get; init; }

    /// <summary>Whether the schedule runs.</summary>
    public required bool Enabled { get; init; }

    /// <summary>Most bytes a second to read from one VM; null for no limit.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>VMs of one host that are backed up at once.</summary>
    public required int ParallelPerHost { get; init; }

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it runs next; null for by hand only.</summary>
    public DateTimeOffset? NextRunAt { get; init; }

    /// <summary>When its last run began.</summary>
    public DateTimeOffset? LastRunAt { get; init; }

    /// <summary>The operation of its last run.</summary>
    public Guid? LastOperationId { get; init; }

    /// <summary>Where that operation stands; null when it was removed since.</summary>
    public OperationState? LastState { get; init; }
}

/// <summary>What retention makes of a recovery point.</summary>
/// <param name="PointId">The point.</param>
/// <param name="VmId">Of this VM.</param>
/// <param name="VmName">Its name.</param>
/// <param name="CreatedAt">When it was taken.</param>
/// <param name="Reasons">Why it stays, such as <c>daily</c>; empty when it would be removed.</param>
public sealed record KeptPoint(Guid PointId, Guid VmId, string VmName, DateTimeOffset CreatedAt, IReadOnlyList<string> Reasons);
