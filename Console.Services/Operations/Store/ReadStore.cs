using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Operations.Running;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Store;

/// <summary>Reads operations for people: pages of the list, single ones with their steps, logs.</summary>
internal sealed class ReadStore(Db db, OperationKinds kinds)
{
    /// <summary>What a list may be sorted by: the REST name and the column.</summary>
    public static readonly IReadOnlyDictionary<string, string> Sorts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["createdAt"] = "created_at", ["startedAt"] = "started_at", ["endedAt"] = "ended_at", ["kind"] = "kind",
        ["target"] = "target_name", ["state"] = "state", ["requestedBy"] = "requested_by",
    };

    public async Task<Page<OperationInfo>> PageAsync(OperationQuery query, PageQuery page, CancellationToken cancellation)
    {
        var (where, values) = Where(query, page.Search);
        values.Add("size", page.Size);
        values.Add("offset", page.Offset);
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>($"SELECT COUNT(*) FROM operations {where}", values);
        var ids = (await connection.QueryAsync<Guid>($"SELECT id FROM operations {where} ORDER BY {Order(page.Sort)} LIMIT @size OFFSET @offset", values)).ToArray();
        return new Page<OperationInfo>(await LoadAsync(ids, cancellation), total, page.Number, page.Size);
    }

    /// <summary>These operations, in this order; those that are gone are left out.</summary>
    public async Task<IReadOnlyList<OperationInfo>> LoadAsync(IReadOnlyList<Guid> ids, CancellationToken cancellation)
    {
        if (ids.Count == 0) return [];
        var values = new DynamicParameters();
        foreach (var (i, id) in ids.Index()) values.Add($"i{i}", id);
        await using var connection = await db.OpenAsync(cancellation);
        var rows = (await connection.QueryAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM operations WHERE id IN ({string.Join(", ", ids.Select((_, i) => $"@i{i}"))})", values)).ToDictionary(r => r.Id);
        var steps = (await StepStore.ReadAsync(connection, ids)).ToLookup(s => s.OperationId, s => s.ToStep());
        return [.. ids.Where(rows.ContainsKey).Select(id => rows[id].ToInfo([.. steps[id]], kinds.Find(rows[id].Kind)?.Kind.Retryable ?? false))];
    }

    public async Task<IReadOnlySet<string>> HeldAsync(IReadOnlyList<string> resources, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var held = new HashSet<string>(StringComparer.Ordinal);
        foreach (var some in resources.Chunk(500)) held.UnionWith(await connection.QueryAsync<string>("SELECT resource FROM operation_locks WHERE granted AND resource IN @some", new { some }));
        return held;
    }

    public async Task<LogLine[]> LogAsync(Guid id, long after, int limit, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<LogLine>("SELECT number, at, level, text FROM operation_log WHERE operation_id = @id AND number > @after ORDER BY number LIMIT @limit", new { id, after, limit })];
    }

    public async Task<LogLine[]> TailAsync(Guid id, int limit, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var lines = (await connection.QueryAsync<LogLine>("SELECT number, at, level, text FROM operation_log WHERE operation_id = @id ORDER BY number DESC LIMIT @limit", new { id, limit })).ToArray();
        Array.Reverse(lines);
        return lines;
    }

    /// <summary>How many operations are in each state, for chips and the overview.</summary>
    public async Task<Dictionary<OperationState, int>> CountAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<(string State, int Count)>("SELECT state, COUNT(*) FROM operations GROUP BY state"))
            .ToDictionary(c => EnumColumn.FromColumn<OperationState>(c.State), c => c.Count);
    }

    private static (string Sql, DynamicParameters Values) Where(OperationQuery query, string? search)
    {
        var values = new DynamicParameters();
        var conditions = new List<string>();
        void Add(string sql, string name, object value)
        {
            conditions.Add(sql);
            values.Add(name, value);
        }
        if (query.States.Count > 0) conditions.Add($"state IN ({string.Join(", ", query.States.Select(s => $"'{s.ToColumn()}'"))})");
        if (query.Kind is { } kind) Add("kind = @kind", "kind", kind);
        if (query.Target is { } target) Add(target.Contains(':', StringComparison.Ordinal) ? "target = @target" : "target_kind = @target", "target", target);
        if (query.Parent is { } parent) Add("parent_id = @parent", "parent", parent);
        // The column is lower-case already, in every script, which LOWER and LIKE of SQLite are not.
        if (search is { Length: > 0 }) Add("search LIKE @search ESCAPE '\\'", "search", Dialect.Contains(search.Trim().ToLowerInvariant()));
        return (conditions.Count == 0 ? "" : $"WHERE {string.Join(" AND ", conditions)}", values);
    }

    private static string Order(string? sort)
    {
        var descending = sort is null || sort.StartsWith('-');
        var column = sort is null ? "id" : Sorts[sort.TrimStart('-')];
        var way = descending ? "DESC" : "ASC";
        return column is "id" or "created_at" ? $"id {way}" : $"{column} {way}, id DESC";
    }
}
