using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Repositories.Registry;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Schedules;

namespace Quarterdeck.Repositories;

/// <summary>When something is done to a repository by itself.</summary>
/// <param name="Cron">Five fields of crontab(5).</param>
/// <param name="TimeZone">An IANA name.</param>
/// <param name="Enabled">Whether it runs by itself.</param>
public sealed record UpkeepRule(string? Cron, string? TimeZone, bool Enabled = true);

/// <summary>What a repository's upkeep shall be; null for never.</summary>
/// <param name="Verify">When everything is read and hashed.</param>
/// <param name="Prune">When expired points are removed.</param>
/// <param name="Collect">When what no point needs is freed.</param>
public sealed record UpkeepRules(UpkeepRule? Verify = null, UpkeepRule? Prune = null, UpkeepRule? Collect = null);

/// <summary>A repository's upkeep and how its last runs began; null for never.</summary>
/// <param name="Verify">Reading and hashing everything.</param>
/// <param name="Prune">Removing expired points.</param>
/// <param name="Collect">Freeing what no point needs.</param>
public sealed record RepositoryUpkeepSchedules(Schedule? Verify, Schedule? Prune, Schedule? Collect);

/// <summary>The schedules that keep repositories in order. They belong to the repository: they are set here, and end when it is forgotten.</summary>
public sealed class RepositorySchedules
{
    private static readonly string[] Works = ["verify", "prune", "collect"];
    private readonly RepositoryStore _store;
    private readonly ScheduleBook _schedules;
    private readonly Db _db;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal RepositorySchedules(RepositoryStore store, ScheduleBook schedules, Db db, Guard guard, AuditLog audit) => (_store, _schedules, _db, _guard, _audit) = (store, schedules, db, guard, audit);

    /// <summary>What is scheduled.</summary>
    public async Task<Result<RepositoryUpkeepSchedules>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.Read, RepositoryRegistry.Target(id), cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is null ? Problem.NotFound("repository", id) : await ReadAsync(id, cancellation);
    }

    /// <summary>Sets all three at once.</summary>
    /// <returns>Invalid for a wrong rule, by <c>verify.cron</c> and the like; Conflict when an append-only repository shall be pruned or collected.</returns>
    public async Task<Result<RepositoryUpkeepSchedules>> SetAsync(Caller caller, Guid id, UpkeepRules rules, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.Manage, RepositoryRegistry.Target(id), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("repository", id);
        if (row.AppendOnly && (rules.Prune ?? rules.Collect) is not null)
            return Problem.Conflict("The repository is append-only", $"'{row.Name}' was made so that nothing in it can be removed. Schedule its verification alone.");
        var before = await ReadAsync(id, cancellation);
        var prepared = new List<OwnedSchedule>();
        var errors = new List<FieldError>();
        foreach (var (work, rule) in Works.Zip<string, UpkeepRule?>([rules.Verify, rules.Prune, rules.Collect]))
        {
            var wanted = rule is null ? null : new NewSchedule($"{char.ToUpperInvariant(work[0])}{work[1..]} {row.Name}"[..Math.Min(80, work.Length + 1 + row.Name.Length)],
                $"repository.{work}", JsonSerializer.SerializeToElement(new { repositoryId = id }), rule.Cron, rule.TimeZone, null, rule.Enabled);
            var schedule = await _schedules.PrepareOwnedAsync(caller, Owner(work, id), wanted, cancellation);
            if (schedule.Ok) prepared.Add(schedule.Value);
            else if (schedule.Problem.Errors.Count == 0) return schedule.Problem;
            else errors.AddRange(schedule.Problem.Errors.Select(e => e with { Field = $"{work}.{e.Field}" }));
        }
        if (errors.Count > 0) return Problem.Invalid(errors);
        await _db.TransactionAsync(async connection =>
        {
            foreach (var schedule in prepared) await schedule.WriteAsync(connection);
            await _audit.WriteAsync(connection, caller, "repository.schedule", RepositoryRegistry.Target(id), row.Name, Shown(before), rules, cancellation);
        }, cancellation);
        prepared.ForEach(s => s.Tell());
        return await ReadAsync(id, cancellation);
    }

    /// <summary>Ends them with the repository, which the caller may forget.</summary>
    internal async Task EndAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        foreach (var work in Works)
        {
            var schedule = (await _schedules.PrepareOwnedAsync(caller, Owner(work, id), null, cancellation)).Value;
            await _db.TransactionAsync(schedule.WriteAsync, cancellation);
            schedule.Tell();
        }
    }

    private async Task<RepositoryUpkeepSchedules> ReadAsync(Guid id, CancellationToken cancellation)
    {
        var found = await _schedules.OfAsync([.. Works.Select(w => Owner(w, id))], cancellation);
        return new RepositoryUpkeepSchedules(found.GetValueOrDefault(Owner("verify", id)), found.GetValueOrDefault(Owner("prune", id)), found.GetValueOrDefault(Owner("collect", id)));
    }

    private static UpkeepRules Shown(RepositoryUpkeepSchedules now) => new(Rule(now.Verify), Rule(now.Prune), Rule(now.Collect));

    private static UpkeepRule? Rule(Schedule? schedule) => schedule is null ? null : new UpkeepRule(schedule.Cron, schedule.TimeZone, schedule.Enabled);

    private static string Owner(string work, Guid id) => $"repository-{work}:{id:D}";
}
