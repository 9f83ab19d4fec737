using System.Data.Common;
using System.Text.Json;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Points;

/// <summary>The table <c>recovery_points</c>: a mirror of what the repositories hold.</summary>
internal sealed class PointStore(Db db, RepositoryConnections repositories, EventBus bus, TimeProvider time)
{
    private const string Columns =
        "id, repository_id, vm_id, vm_name, host_name, created_at, kind, consistency, parent_id, job_id, logical_bytes, read_bytes, stored_bytes, seconds, common, pinned, expires_at, verified_at, damage, notes";

    private static readonly Dictionary<string, string> Sorts = new(StringComparer.Ordinal)
    {
        ["createdAt"] = "created_at", ["vm"] = "vm_name_key", ["readBytes"] = "read_bytes", ["storedBytes"] = "stored_bytes", ["logicalBytes"] = "logical_bytes",
    };

    private EventStream<RecoveryPoint>? _stream;

    /// <summary>The live topic <c>recovery-points</c>.</summary>
    public EventStream<RecoveryPoint> Stream => _stream ??= new EventStream<RecoveryPoint>("recovery-points", p => Key(p.RepositoryId, p.Id), LoadAsync, bus);

    /// <summary>One page; newest first unless asked otherwise.</summary>
    public async Task<Result<Page<RecoveryPoint>>> PageAsync(RecoveryPointQuery query, PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "-createdAt";
        if (!Sorts.TryGetValue(sort.TrimStart('-'), out var column)) return Problem.Invalid("sort", $"Recovery points cannot be sorted by '{sort}'.", $"Use one of: {string.Join(", ", Sorts.Keys)}, with '-' in front for descending order.");
        var direction = sort.StartsWith('-') ? "DESC" : "ASC";
        var (where, parameters) = Where(query, page.Search);
        parameters.Add("size", page.Size);
        parameters.Add("offset", page.Offset);
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT count(*) FROM recovery_points {where}", parameters, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM recovery_points {where} ORDER BY {column} {direction}, created_at DESC, id DESC LIMIT @size OFFSET @offset", parameters, cancellationToken: cancellation));
        return new Page<RecoveryPoint>(await NamedAsync([.. rows], cancellation), total, page.Number, page.Size);
    }

    /// <summary>One point, or null. A point that was copied is in several repositories; the one named, or the first.</summary>
    public async Task<RecoveryPoint?> FindAsync(Guid id, CancellationToken cancellation, Guid? repositoryId = null)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var row = await connection.QueryFirstOrDefaultAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM recovery_points WHERE id = @id {(repositoryId is null ? "" : "AND repository_id = @repositoryId")} ORDER BY repository_id", new { id, repositoryId }, cancellationToken: cancellation));
        return row is null ? null : (await NamedAsync([row], cancellation))[0];
    }

    /// <summary>All that match, newest first.</summary>
    public async Task<IReadOnlyList<RecoveryPoint>> AllAsync(RecoveryPointQuery query, CancellationToken cancellation)
    {
        var (where, parameters) = Where(query, null);
        await using var connection = await db.OpenAsync(cancellation);
        return await NamedAsync([.. await connection.QueryAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM recovery_points {where} ORDER BY created_at DESC, id DESC", parameters, cancellationToken: cancellation))], cancellation);
    }

    /// <summary>Writes points as a repository holds them.</summary>
    public async Task PutAsync(Guid repositoryId, IReadOnlyList<PointManifest> points, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await db.TransactionAsync(connection => WriteAsync(connection, repositoryId, points, now), cancellation);
        Stream.Changed([.. points.Select(p => Key(repositoryId, p.Id))]);
    }

    /// <summary>Makes the mirror of a repository equal to what it held when it was read.</summary>
    /// <param name="repositoryId">Which one.</param>
    /// <param name="points">All that it held.</param>
    /// <param name="readAt">When its reading began: points that were written here since then stay.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task MirrorAsync(Guid repositoryId, IReadOnlyList<PointManifest> points, DateTimeOffset readAt, CancellationToken cancellation)
    {
        var before = (await AllAsync(new RecoveryPointQuery(RepositoryId: repositoryId), cancellation)).ToDictionary(p => p.Id);
        var changed = points.Where(p => !before.TryGetValue(p.Id, out var known) || Differs(known, p.Labels)).ToList();
        var gone = await db.TransactionAsync(async connection =>
        {
            await WriteAsync(connection, repositoryId, changed, readAt);
            var lost = before.Keys.Except(points.Select(p => p.Id)).ToList();
            var removed = new List<Guid>();
            foreach (var id in lost)
                if (await connection.ExecuteAsync("DELETE FROM recovery_points WHERE id = @id AND repository_id = @repositoryId AND seen_at < @readAt", new { id, repositoryId, readAt }) > 0) removed.Add(id);
            return removed;
        }, cancellation);
        if (changed.Count + gone.Count > 0) Stream.Changed([.. changed.Select(p => p.Id).Concat(gone).Select(id => Key(repositoryId, id))]);
    }

    /// <summary>Forgets a point.</summary>
    public async Task RemoveAsync(Guid id, Guid repositoryId, CancellationToken cancellation)
    {
        await using (var connection = await db.OpenAsync(cancellation))
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM recovery_points WHERE id = @id AND repository_id = @repositoryId", new { id, repositoryId }, cancellationToken: cancellation));
        Stream.Changed([Key(repositoryId, id)]);
    }

    /// <summary>Forgets the points of repositories that the console does not have any more.</summary>
    public async Task KeepOnlyAsync(IReadOnlyList<Guid> repositoryIds, CancellationToken cancellation)
    {
        var lost = (await AllAsync(new RecoveryPointQuery(), cancellation)).Where(p => !repositoryIds.Contains(p.RepositoryId)).ToList();
        foreach (var repository in lost.Select(p => p.RepositoryId).Distinct())
        {
            await using var connection = await db.OpenAsync(cancellation);
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM recovery_points WHERE repository_id = @repository", new { repository }, cancellationToken: cancellation));
        }
        if (lost.Count > 0) Stream.Changed([.. lost.Select(p => Key(p.RepositoryId, p.Id))]);
    }

    // A point that was copied is in several repositories.
    private static string Key(Guid repositoryId, Guid id) => $"{id}/{repositoryId}";

    private async Task<IReadOnlyList<RecoveryPoint>> LoadAsync(IReadOnlyList<string> keys, CancellationToken cancellation)
    {
        var ids = keys.Select(k => k.Split('/')[0]).ToList();
        await using var connection = await db.OpenAsync(cancellation);
        return await NamedAsync([.. await connection.QueryAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM recovery_points WHERE id IN @ids", new { ids }, cancellationToken: cancellation))], cancellation);
    }

    private static bool Differs(RecoveryPoint known, PointLabels labels) =>
        (known.Common, known.Pinned, known.ExpiresAt, known.VerifiedAt, known.Damage) != (labels.Common, labels.Pinned, labels.ExpiresAt, labels.VerifiedAt, labels.Damage);

    private static async Task WriteAsync(DbConnection connection, Guid repositoryId, IReadOnlyList<PointManifest> points, DateTimeOffset seenAt)
    {
        foreach (var p in points)
            await connection.ExecuteAsync(
                """
                INSERT INTO recovery_points (id, repository_id, vm_id, vm_name, vm_name_key, host_name, created_at, kind, consistency, parent_id, job_id, logical_bytes, read_bytes, stored_bytes, seconds,
                    common, pinned, expires_at, verified_at, damage, notes, seen_at)
                VALUES (@Id, @repositoryId, @VmId, @VmName, @nameKey, @HostName, @CreatedAt, @kind, @consistency, @ParentId, @JobId, @LogicalBytes, @ReadBytes, @StoredBytes, @Seconds,
                    @Common, @Pinned, @ExpiresAt, @VerifiedAt, @Damage, @notes, @seenAt)
                ON CONFLICT (id, repository_id) DO UPDATE SET common = excluded.common, pinned = excluded.pinned, expires_at = excluded.expires_at, verified_at = excluded.verified_at,
                    damage = excluded.damage, seen_at = excluded.seen_at
                """,
                new
                {
                    p.Id, repositoryId, p.VmId, p.VmName, nameKey = p.VmName.ToLowerInvariant(), p.HostName, p.CreatedAt, kind = p.Kind.ToColumn(), consistency = p.Consistency.ToColumn(), p.ParentId, p.JobId,
                    p.Counters.LogicalBytes, p.Counters.ReadBytes, p.Counters.StoredBytes, p.Counters.Seconds,
                    p.Labels.Common, p.Labels.Pinned, p.Labels.ExpiresAt, p.Labels.VerifiedAt, p.Labels.Damage, notes = JsonSerializer.Serialize(p.Notes), seenAt,
                });
    }

    private async Task<IReadOnlyList<RecoveryPoint>> NamedAsync(IReadOnlyList<Row> rows, CancellationToken cancellation)
    {
        if (rows.Count == 0) return [];
        var names = (await repositories.ListAsync(cancellation)).ToDictionary(r => r.Id, r => r.Name);
        return [.. rows.Select(r => r.ToPoint(names.GetValueOrDefault(r.RepositoryId, "")))];
    }

    private static (string Where, DynamicParameters Parameters) Where(RecoveryPointQuery query, string? search)
    {
        var conditions = new List<string>();
        var parameters = new DynamicParameters();
        if (query.VmId is { } vmId) Add("vm_id = @vmId", "vmId", vmId);
        if (query.RepositoryId is { } repositoryId) Add("repository_id = @repositoryId", "repositoryId", repositoryId);
        if (query.Common is { } common) Add("common = @common", "common", common);
        if (query.Damaged is { } damaged) conditions.Add(damaged ? "damage IS NOT NULL" : "damage IS NULL");
        if (!string.IsNullOrWhiteSpace(search)) Add(@"(vm_name_key LIKE @search ESCAPE '\' OR id LIKE @search ESCAPE '\' OR vm_id LIKE @search ESCAPE '\')", "search", Dialect.Contains(search.Trim().ToLowerInvariant()));
        return (conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions), parameters);

        void Add(string condition, string name, object value)
        {
            conditions.Add(condition);
            parameters.Add(name, value);
        }
    }

    private sealed record Row(
        Guid Id, Guid RepositoryId, Guid VmId, string VmName, string HostName, DateTimeOffset CreatedAt, string Kind, string Consistency, Guid? ParentId, Guid? JobId, long LogicalBytes, long ReadBytes,
        long StoredBytes, double Seconds, bool Common, bool Pinned, DateTimeOffset? ExpiresAt, DateTimeOffset? VerifiedAt, string? Damage, string Notes)
    {
        public RecoveryPoint ToPoint(string repositoryName) => new()
        {
            Id = Id, RepositoryId = RepositoryId, RepositoryName = repositoryName, VmId = VmId, VmName = VmName, HostName = HostName, CreatedAt = CreatedAt,
            Kind = EnumColumn.FromColumn<PointKind>(Kind), Consistency = EnumColumn.FromColumn<PointConsistency>(Consistency), ParentId = ParentId, JobId = JobId,
            LogicalBytes = LogicalBytes, ReadBytes = ReadBytes, StoredBytes = StoredBytes, Seconds = Seconds, Common = Common, Pinned = Pinned, ExpiresAt = ExpiresAt,
            VerifiedAt = VerifiedAt, Damage = Damage, Notes = JsonSerializer.Deserialize<string[]>(Notes) ?? [],
        };
    }
}
