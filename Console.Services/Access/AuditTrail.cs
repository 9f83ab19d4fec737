using Dapper;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>The reading side of the audit log.</summary>
public sealed class AuditTrail(Db db, Guard guard)
{
    private const string Columns = "id, at, actor_kind, actor_id, actor_name, action, target, target_name, outcome, before_json AS before, after_json AS after, request_id";

    /// <summary>One page, newest first; sorts by <c>at</c>, <c>actor</c>, <c>action</c>, <c>target</c>. Search finds names, actions and targets.</summary>
    public async Task<Result<Page<AuditEntry>>> ListAsync(Caller caller, AuditQuery query, PageQuery page, CancellationToken cancellation)
    {
        if (await guard.CheckAsync(caller, AccessPermissions.ReadAudit, "audit", cancellation) is { } refused) return refused;
        var order = SortOrder.Of(page.Sort, "at DESC", ("at", "at"), ("actor", "actor_name"), ("action", "action"), ("target", "target"));
        var where = Where(query, page.Search);
        var arguments = new
        {
            actor = query.Actor, actorId = Guid.TryParse(query.Actor, out var id) ? id : (Guid?)null,
            action = query.Action, actionStart = query.Action + "%", target = query.Target, targetStart = query.Target + ":%",
            outcome = query.Outcome?.ToColumn(), query.From, query.Until, find = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset,
        };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM audit{where}", arguments, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<AuditEntry>(new CommandDefinition(
            $"SELECT {Columns} FROM audit{where} ORDER BY {order}, id DESC LIMIT @size OFFSET @offset", arguments, cancellationToken: cancellation));
        return new Page<AuditEntry>([.. rows], total, page.Number, page.Size);
    }

    /// <summary>One line.</summary>
    public async Task<Result<AuditEntry>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await guard.CheckAsync(caller, AccessPermissions.ReadAudit, $"audit:{id}", cancellation) is { } refused) return refused;
        await using var connection = await db.OpenAsync(cancellation);
        var entry = await connection.QuerySingleOrDefaultAsync<AuditEntry>(new CommandDefinition($"SELECT {Columns} FROM audit WHERE id = @id", new { id }, cancellationToken: cancellation));
        return entry is null ? Problem.NotFound("audit entry", id) : entry;
    }

    private string Where(AuditQuery query, string? search)
    {
        List<string> terms = [];
        if (query.Actor is not null) terms.Add(Guid.TryParse(query.Actor, out _) ? "actor_id = @actorId" : "LOWER(actor_name) = LOWER(@actor)");
        if (query.Action is not null) terms.Add(query.Action.EndsWith('.') ? "action LIKE @actionStart" : "action = @action");
        if (query.Target is not null) terms.Add(query.Target.Contains(':', StringComparison.Ordinal) ? "target = @target" : "(target = @target OR target LIKE @targetStart)");
        if (query.Outcome is not null) terms.Add("outcome = @outcome");
        if (query.From is not null) terms.Add("at >= @From");
        if (query.Until is not null) terms.Add("at < @Until");
        if (!string.IsNullOrWhiteSpace(search))
            terms.Add($"({db.Dialect.Like("actor_name", "find")} OR {db.Dialect.Like("action", "find")} OR {db.Dialect.Like("target", "find")} OR {db.Dialect.Like("target_name", "find")})");
        return terms.Count == 0 ? "" : " WHERE " + string.Join(" AND ", terms);
    }
}
