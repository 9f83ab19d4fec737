using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules.Running;

namespace Quarterdeck.Schedules.Registry;

/// <summary>Reads what is asked for; names every field that is wrong.</summary>
internal sealed class ScheduleCheck(ScheduledActions actions, Guard guard, TimeProvider time)
{
    private const int MaxName = 80, MaxBlackouts = 20, MaxInput = 16 << 10;

    /// <summary>The schedule that the request makes, from what is stored or anew.</summary>
    public async Task<Result<Schedule>> CheckAsync(Caller caller, NewSchedule wanted, Schedule? before, string? owner, CancellationToken cancellation)
    {
        var errors = new List<FieldError>();
        var name = (wanted.Name ?? "").Trim();
        if (name.Length is 0 or > MaxName || name.Any(char.IsControl)) errors.Add(new("name", "It is no name.", $"Give 1 to {MaxName} characters without control characters."));
        var rule = CronRule.Parse(wanted.Cron, wanted.TimeZone);
        errors.AddRange(rule.Problem?.Errors ?? []);
        var blackouts = wanted.Blackouts ?? [];
        if (blackouts.Count > MaxBlackouts) errors.Add(new("blackouts", $"There are {blackouts.Count}.", $"Give at most {MaxBlackouts}."));
        for (var i = 0; i < blackouts.Count && i < MaxBlackouts; i++)
            if (blackouts[i] is not { Days.Count: > 0 and <= 7 } window || window.Days.Any(d => !Enum.IsDefined(d))) errors.Add(new($"blackouts[{i}].days", "It names no day.", "Give days such as [\"monday\",\"friday\"]."));
        var action = actions.Find(wanted.Action ?? "");
        if (action is null) errors.Add(new("action", $"There is no action '{wanted.Action}'.", $"Use one of: {string.Join(", ", actions.All.Select(a => a.Key))}."));
        var input = wanted.Input.ValueKind is JsonValueKind.Undefined ? JsonSerializer.SerializeToElement(new { }) : wanted.Input;
        if (input.ValueKind is not JsonValueKind.Object || input.GetRawText().Length > MaxInput) errors.Add(new("input", "It is no object of a sensible size.", "Give the action's input, such as {\"vmId\":\"…\"}."));
        if (errors.Count > 0 || action is null) return Problem.Invalid(errors);

        if (await guard.CheckAsync(caller, action.Permission, before is null ? "schedule" : $"schedule:{before.Id:D}", cancellation) is { } forbidden) return forbidden;
        if (!(await action.TargetAsync(caller, input, cancellation)).TryGet(out var target, out var refused)) return refused;
        var now = time.GetUtcNow();
        var next = RunTimes.Next(rule.Value, blackouts, now);
        if (next is null)
            return rule.Value.Next(now) is null
                ? Problem.Invalid("cron", "It never comes true.", "Choose a day that exists.")
                : Problem.Invalid("blackouts", "They leave no time for a run.", "Leave some hours of the week free.");
        return new Schedule
        {
            Id = before?.Id ?? Guid.CreateVersion7(now), Name = name, Action = action.Key, Input = input.Clone(), Target = target.Target, TargetName = target.Name,
            Cron = rule.Value.Text, TimeZone = wanted.TimeZone!, Blackouts = blackouts, Enabled = wanted.Enabled, Owner = owner, CreatedBy = before?.CreatedBy ?? caller.Name, CreatedAt = before?.CreatedAt ?? now,
            NextRunAt = wanted.Enabled ? next : null, LastRunAt = before?.LastRunAt, LastOperationId = before?.LastOperationId,
        };
    }
}
