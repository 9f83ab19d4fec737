using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules.Registry;
using Quarterdeck.Schedules.Running;

namespace Quarterdeck.Schedules;

/// <summary>The schedules: reading and setting them, and the runs to come.</summary>
public sealed class ScheduleBook
{
    private const int MostUpcoming = 500, MostOfOne = 100;
    private static readonly TimeSpan Farthest = TimeSpan.FromDays(366);
    private readonly ScheduleStore _store;
    private readonly ScheduleCheck _check;
    private readonly ScheduleClock _clock;
    private readonly ScheduledActions _actions;
    private readonly EventStream<Schedule> _stream;
    private readonly Guard _guard;
    private readonly AuditLog _audit;
    private readonly Db _db;
    private readonly TimeProvider _time;

    internal ScheduleBook(ScheduleStore store, ScheduleCheck check, ScheduleClock clock, ScheduledActions actions, EventStream<Schedule> stream, Guard guard, AuditLog audit, Db db, TimeProvider time) =>
        (_store, _check, _clock, _actions, _stream, _guard, _audit, _db, _time) = (store, check, clock, actions, stream, guard, audit, db, time);

    /// <summary>What lists may be sorted by, as REST spells it.</summary>
    public static IReadOnlyCollection<string> Sorts { get; } = [.. ScheduleStore.Sorts.Keys];

    /// <summary>What may be scheduled: key, title and whether the caller may.</summary>
    public IReadOnlyList<(string Key, string Title, bool Allowed)> Actions(Caller caller) => [.. _actions.All.Select(a => (a.Key, a.Title, caller.May(a.Permission)))];

    /// <summary>One page; the search looks into name and target.</summary>
    public async Task<Result<Page<Schedule>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, SchedulesPermissions.Read, "schedule", cancellation) is { } refused ? refused : await _store.ListAsync(page, cancellation);

    /// <summary>One schedule.</summary>
    public async Task<Result<Schedule>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, SchedulesPermissions.Read, $"schedule:{id:D}", cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } found ? found : Problem.NotFound("schedule", id);
    }

    /// <summary>The schedule that is a part of an object, or null; for the room that owns the object, which has asked for permission.</summary>
    public Task<Schedule?> OfAsync(string owner, CancellationToken cancellation) => _store.OfAsync(owner, cancellation);

    /// <summary>The runs to come until a time, the next first; at most 100 of one schedule and 500 in all.</summary>
    public async Task<Result<IReadOnlyList<UpcomingRun>>> UpcomingAsync(Caller caller, DateTimeOffset until, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, SchedulesPermissions.Read, "schedule", cancellation) is { } refused) return refused;
        var now = _time.GetUtcNow();
        if (until <= now || until > now + Farthest) return Problem.Invalid("until", "It is not within the next 366 days.", $"Send a time such as {now.AddDays(7):yyyy-MM-dd}T00:00:00Z.");
        var runs = from schedule in await _store.ActiveAsync(MostUpcoming, cancellation)
                   let rule = CronRule.Parse(schedule.Cron, schedule.TimeZone)
                   where rule.Ok
                   from at in RunTimes.Between(rule.Value, schedule.Blackouts, now, until, MostOfOne)
                   select new UpcomingRun(schedule.Id, schedule.Name, schedule.TargetName, at);
        return runs.OrderBy(r => r.At).Take(MostUpcoming).ToList();
    }

    /// <summary>Adds a schedule.</summary>
    public Task<Result<Schedule>> AddAsync(Caller caller, NewSchedule wanted, CancellationToken cancellation) => SetAsync(caller, wanted, null, cancellation);

    /// <summary>Replaces a schedule that stands alone; when it last ran is kept.</summary>
    public async Task<Result<Schedule>> ReplaceAsync(Caller caller, Guid id, NewSchedule wanted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, SchedulesPermissions.Manage, $"schedule:{id:D}", cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } before) return Problem.NotFound("schedule", id);
        return before.Owner is null ? await SetAsync(caller, wanted, before, cancellation) : PartOf(before);
    }

    /// <summary>The schedules that are parts of objects, by owner.</summary>
    public async Task<IReadOnlyDictionary<string, Schedule>> OfAsync(IReadOnlyList<string> owners, CancellationToken cancellation) =>
        (await _store.OfAsync(owners, cancellation)).ToDictionary(s => s.Owner!, StringComparer.Ordinal);

    /// <summary>Prepares the schedule of an object, or with null its end; for the room that owns the object, which has asked for permission and writes both in one transaction.</summary>
    public async Task<Result<OwnedSchedule>> PrepareOwnedAsync(Caller caller, string owner, NewSchedule? wanted, CancellationToken cancellation)
    {
        var before = await _store.OfAsync(owner, cancellation);
        if (wanted is null) return new OwnedSchedule(c => before is null ? Task.CompletedTask : ScheduleStore.DeleteAsync(c, before.Id), () => Tell(before?.Id));
        return (await _check.CheckAsync(caller, wanted, before, owner, cancellation)).Then(after => new OwnedSchedule(c => ScheduleStore.SaveAsync(c, after), () => Tell(after.Id)));
    }

    private void Tell(Guid? id)
    {
        if (id is null) return;
        _stream.Changed(id.Value.ToString());
        _clock.Wake();
    }

    /// <summary>Deletes a schedule that stands alone. Operations that it started go on.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, SchedulesPermissions.Manage, $"schedule:{id:D}", cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } before) return Problem.NotFound("schedule", id);
        if (before.Owner is not null) return PartOf(before);
        await RemoveAsync(caller, before, cancellation);
        return Done.It;
    }

    /// <summary>Runs it now, as the caller; when it runs next stays. Answers the operation's id.</summary>
    public async Task<Result<Guid>> RunAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, SchedulesPermissions.Manage, $"schedule:{id:D}", cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } schedule) return Problem.NotFound("schedule", id);
        var started = await _clock.StartAsync(schedule, null, cancellation, caller);
        if (!started.Ok) return started;
        await _store.RanByHandAsync(id, _time.GetUtcNow(), started.Value, cancellation);
        _stream.Changed(id.ToString());
        return started;
    }

    private async Task<Result<Schedule>> SetAsync(Caller caller, NewSchedule wanted, Schedule? before, CancellationToken cancellation)
    {
        var target = before is null ? "schedule" : $"schedule:{before.Id:D}";
        if (await _guard.CheckAsync(caller, SchedulesPermissions.Manage, target, cancellation) is { } refused) return refused;
        if (!(await _check.CheckAsync(caller, wanted, before, null, cancellation)).TryGet(out var after, out var problem)) return problem;
        await _db.TransactionAsync(async connection =>
        {
            await ScheduleStore.SaveAsync(connection, after);
            await _audit.WriteAsync(connection, caller, before is null ? "schedule.create" : "schedule.change", $"schedule:{after.Id:D}", after.Name, before is null ? null : Shown(before), Shown(after), cancellation);
        }, cancellation);
        Tell(after.Id);
        return after;
    }

    private async Task RemoveAsync(Caller caller, Schedule schedule, CancellationToken cancellation)
    {
        await _db.TransactionAsync(async connection =>
        {
            await ScheduleStore.DeleteAsync(connection, schedule.Id);
            await _audit.WriteAsync(connection, caller, "schedule.delete", $"schedule:{schedule.Id:D}", schedule.Name, Shown(schedule), null, cancellation);
        }, cancellation);
        _stream.Remove(schedule.Id.ToString());
    }

    private static object Shown(Schedule s) => new { s.Name, s.Action, s.Input, s.Cron, s.TimeZone, s.Blackouts, s.Enabled };

    private static Problem PartOf(Schedule schedule) =>
        Problem.Conflict("The schedule is a part of something else", $"'{schedule.Name}' belongs to {schedule.Owner}. Change or delete it there.");
}
