using System.Text.Json;

namespace Quarterdeck.Schedules;

/// <summary>Hours in which nothing is started.</summary>
/// <param name="Days">The days on which the window begins, in the schedule's time zone.</param>
/// <param name="From">When it begins.</param>
/// <param name="To">When it ends; not later than <paramref name="From"/> means on the next day.</param>
public sealed record Blackout(IReadOnlyList<DayOfWeek> Days, TimeOnly From, TimeOnly To);

/// <summary>What is asked for.</summary>
/// <param name="Name">For people, 1 to 80 characters.</param>
/// <param name="Action">A scheduled action's key, such as <c>vm.start</c>.</param>
/// <param name="Input">The action's own input.</param>
/// <param name="Cron">Five fields of crontab(5).</param>
/// <param name="TimeZone">An IANA name.</param>
/// <param name="Blackouts">A run that is due within one waits for its end.</param>
/// <param name="Enabled">Whether it runs by itself.</param>
public sealed record NewSchedule(string? Name, string? Action, JsonElement Input, string? Cron, string? TimeZone, IReadOnlyList<Blackout>? Blackouts = null, bool Enabled = true);

/// <summary>A cron rule that starts operations.</summary>
public sealed record Schedule
{
    /// <summary>UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>What it does: a scheduled action's key.</summary>
    public required string Action { get; init; }

    /// <summary>The action's own input.</summary>
    public required JsonElement Input { get; init; }

    /// <summary>The object that it is about, <c>kind:id</c>.</summary>
    public required string Target { get; init; }

    /// <summary>The object's name when it was last set.</summary>
    public required string TargetName { get; init; }

    /// <summary>Five fields of crontab(5).</summary>
    public required string Cron { get; init; }

    /// <summary>The zone that they are read in.</summary>
    public required string TimeZone { get; init; }

    /// <summary>When nothing is started.</summary>
    public required IReadOnlyList<Blackout> Blackouts { get; init; }

    /// <summary>Whether it runs by itself.</summary>
    public required bool Enabled { get; init; }

    /// <summary>The object that it is a part of, <c>kind:id</c>, such as a backup job, and is changed there; null when it stands alone.</summary>
    public string? Owner { get; init; }

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it runs next; null when it is disabled or never runs again.</summary>
    public DateTimeOffset? NextRunAt { get; init; }

    /// <summary>When it last ran.</summary>
    public DateTimeOffset? LastRunAt { get; init; }

    /// <summary>The operation of its last run; null when it could not be started.</summary>
    public Guid? LastOperationId { get; init; }

    /// <summary>Why the last run could not be started; null when it was.</summary>
    public string? LastProblem { get; init; }
}

/// <summary>A run to come.</summary>
/// <param name="ScheduleId">Whose.</param>
/// <param name="Name">Its name.</param>
/// <param name="TargetName">What it is about.</param>
/// <param name="At">When.</param>
public sealed record UpcomingRun(Guid ScheduleId, string Name, string TargetName, DateTimeOffset At);
