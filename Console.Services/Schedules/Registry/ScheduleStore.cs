using System.Data.Common;
using System.Text.Json;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Schedules.Registry;

/// <summary>The table <c>schedules</c>.</summary>
internal sealed class ScheduleStore(Db db)
{
    private const string Columns = "id, name, action, input, target, target_name, cron, time_zone, blackouts, enabled, owner, created_by, created_at, next_run_at, last_run_at, last_operation_id, last_problem";

    /// <summary>What lists may be sorted by.</summary>
    public static readonly IReadOnlyDictionary<string, string> Sorts = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "LOWER(name)", ["action"] = "action", ["targetName"] = "LOWER(target_name)", ["nextRunAt"] = "next_run_at", ["lastRunAt"] = "last_run_at", ["createdAt"] = "created_at",
    };

    /// <summary>Adds it, or replaces what it is (not when it last ran).</summary>
    public static Task SaveAsync(DbConnection connection, Schedule schedule) => connection.ExecuteAsync("""
        INSERT INTO schedules (id, name, action, input, target, target_name, cron, time_zone, blackouts, enabled, owner, created_by, created_at, next_run_at)
        VALUES (@Id, @Name, @Action, @input, @Target, @TargetName, @Cron, @TimeZone, @blackouts, @Enabled, @Owner, @CreatedBy, @CreatedAt, @NextRunAt)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, action = excluded.action, input = excluded.input, target = excluded.target, target_name = excluded.target_name,
            cron = excluded.cron, time_zone = excluded.time_zone, blackouts = excluded.blackouts, enabled = excluded.enabled, next_run_at = excluded.next_run_at, claimed_until = NULL, last_problem = NULL
        """, new
    {
        schedule.Id, schedule.Name, schedule.Action, input = schedule.Input.GetRawText(), schedule.Target, schedule.TargetName, schedule.Cron, schedule.TimeZone,
        blackouts = JsonSerializer.Serialize(schedule.Blackouts), schedule.Enabled, schedule.Owner, schedule.CreatedBy, schedule.CreatedAt, schedule.NextRunAt,
    });

    public static Task DeleteAsync(DbConnection connection, Guid id) => connection.ExecuteAsync("DELETE FROM schedules WHERE id = @id", new { id });

    public async Task<Schedule?> FindAsync(Guid id, CancellationToken cancellation) => (await QueryAsync("WHERE id = @id", new { id }, cancellation)).SingleOrDefault();

    public async Task<Schedule?> OfAsync(string owner, CancellationToken cancellation) => (await QueryAsync("WHERE owner = @owner", new { owner }, cancellation)).SingleOrDefault();

    public async Task<IReadOnlyList<Schedule>> OfAsync(IReadOnlyList<string> owners, CancellationToken cancellation) =>
        owners.Count == 0 ? [] : await QueryAsync("WHERE owner IN @owners", new { owners }, cancellation);

    public Task<IReadOnlyList<Schedule>> LoadAsync(IReadOnlyList<string> keys, CancellationToken cancellation) => QueryAsync("WHERE id IN @keys", new { keys }, cancellation);

    /// <summary>Those that run by themselves, the next first.</summary>
    public Task<IReadOnlyList<Schedule>> ActiveAsync(int most, CancellationToken cancellation) =>
        QueryAsync("WHERE next_run_at IS NOT NULL ORDER BY next_run_at, id LIMIT @most", new { most }, cancellation);

    public async Task<Page<Schedule>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "name";
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("name", "search")} OR {db.Dialect.Like("target_name", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>($"SELECT COUNT(*) FROM schedules {where}", values);
        return new Page<Schedule>(await QueryAsync($"{where} ORDER BY {Sorts[sort.TrimStart('-')]} {(sort.StartsWith('-') ? "DESC" : "ASC")}, id LIMIT @size OFFSET @offset", values, cancellation), total, page.Number, page.Size);
    }

    /// <summary>Takes a run that is due, for a while; false when another node has it, or it was changed meanwhile.</summary>
    public async Task<bool> ClaimAsync(Schedule schedule, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync("UPDATE schedules SET claimed_until = @until WHERE id = @Id AND next_run_at = @NextRunAt AND (claimed_until IS NULL OR claimed_until < @now)",
            new { schedule.Id, schedule.NextRunAt, now, until }) == 1;
    }

    /// <summary>A claimed run was started, or could not be: the next one is waited for.</summary>
    public async Task RanAsync(Schedule schedule, DateTimeOffset? next, DateTimeOffset at, Guid? operation, string? problem, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("""
            UPDATE schedules SET next_run_at = @next, claimed_until = NULL, last_run_at = @at, last_operation_id = @operation, last_problem = @problem
            WHERE id = @Id AND next_run_at = @NextRunAt
            """, new { schedule.Id, schedule.NextRunAt, next, at, operation, problem });
    }

    /// <summary>A run by hand; when it runs next stays.</summary>
    public async Task RanByHandAsync(Guid id, DateTimeOffset at, Guid operation, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE schedules SET last_run_at = @at, last_operation_id = @operation, last_problem = NULL WHERE id = @id", new { id, at, operation });
    }

    /// <summary>When the next run is due that nobody has taken; null when none is.</summary>
    public async Task<DateTimeOffset?> NextAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<DateTimeOffset?>("SELECT MIN(next_run_at) FROM schedules WHERE next_run_at IS NOT NULL AND (claimed_until IS NULL OR claimed_until < @now)", new { now });
    }

    /// <summary>Runs that are due and that nobody has taken.</summary>
    public Task<IReadOnlyList<Schedule>> DueAsync(DateTimeOffset now, CancellationToken cancellation) =>
        QueryAsync("WHERE next_run_at <= @now AND (claimed_until IS NULL OR claimed_until < @now) ORDER BY next_run_at LIMIT 100", new { now }, cancellation);

    private async Task<IReadOnlyList<Schedule>> QueryAsync(string clauses, object values, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<Row>($"SELECT {Columns} FROM schedules {clauses}", values)).Select(r => r.ToSchedule())];
    }

    private sealed record Row(
        Guid Id, string Name, string Action, string Input, string Target, string TargetName, string Cron, string TimeZone, string Blackouts, bool Enabled, string? Owner,
        string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? NextRunAt, DateTimeOffset? LastRunAt, Guid? LastOperationId, string? LastProblem)
    {
        public Schedule ToSchedule() => new()
        {
            Id = Id, Name = Name, Action = Action, Input = JsonSerializer.Deserialize<JsonElement>(Input), Target = Target, TargetName = TargetName, Cron = Cron, TimeZone = TimeZone,
            Blackouts = JsonSerializer.Deserialize<Blackout[]>(Blackouts)!, Enabled = Enabled, Owner = Owner, CreatedBy = CreatedBy, CreatedAt = CreatedAt,
            NextRunAt = NextRunAt, LastRunAt = LastRunAt, LastOperationId = LastOperationId, LastProblem = LastProblem,
        };
    }
}
