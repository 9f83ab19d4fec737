using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts.Inventory;

/// <summary>What a supervisor found out about its host.</summary>
internal sealed record HostFacts(bool Connected, string? Problem, string? Version, int Cpus, long MemoryMiB, Acceleration Acceleration, string? AccelerationReason, DateTimeOffset? SeenAt);

/// <summary>The table <c>hosts</c>.</summary>
internal sealed class HostStore(Db db, TimeProvider time)
{
    private const string Select = """
        SELECT h.id, h.name, h.uri, h.maintenance, h.connected, h.version, h.problem, h.acceleration, h.acceleration_reason, h.cpus, h.memory_mib, h.seen_at,
               (SELECT count(*) FROM vms v WHERE v.host_id = h.id) AS vms,
               (SELECT count(*) FROM vms v WHERE v.host_id = h.id AND v.state = 'running') AS running
        FROM hosts h
        """;

    /// <summary>Sort fields of <see cref="HostRegistry.ListAsync"/>.</summary>
    public static IReadOnlyDictionary<string, string> SortColumns { get; } = new Dictionary<string, string> { ["name"] = "h.name_key", ["uri"] = "h.uri", ["state"] = "h.connected" };

    /// <summary>One page.</summary>
    public async Task<Page<HostInfo>> PageAsync(PageQuery page, string column, bool descending, CancellationToken cancellation)
    {
        var where = string.IsNullOrWhiteSpace(page.Search) ? "" : @"WHERE h.name_key LIKE @search ESCAPE '\' OR lower(h.uri) LIKE @search ESCAPE '\'";
        var parameters = new { search = Dialect.Contains((page.Search ?? "").Trim().ToLowerInvariant()), page.Size, page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT count(*) FROM hosts h {where}", parameters, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"{Select} {where} ORDER BY {column} {(descending ? "DESC" : "ASC")}, h.name_key LIMIT @Size OFFSET @Offset", parameters, cancellationToken: cancellation));
        return new Page<HostInfo>([.. rows.Select(Info)], total, page.Number, page.Size);
    }

    /// <summary>Some hosts by id, or all.</summary>
    public async Task<IReadOnlyList<HostInfo>> LoadAsync(IReadOnlyList<string>? ids, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var where = ids is null ? "" : "WHERE h.id IN @ids";
        return [.. (await connection.QueryAsync<Row>(new CommandDefinition($"{Select} {where} ORDER BY h.name_key", new { ids }, cancellationToken: cancellation))).Select(Info)];
    }

    /// <summary>One host, or null.</summary>
    public async Task<HostInfo?> FindAsync(Guid id, CancellationToken cancellation) => (await LoadAsync([id.ToString()], cancellation)) is [var host] ? host : null;

    /// <summary>Ids and URIs of all, cheaply: asked every few seconds.</summary>
    public async Task<IReadOnlyList<(Guid Id, string Name, string Uri)>> KeysAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<(string Id, string Name, string Uri)>(new CommandDefinition("SELECT id, name, uri FROM hosts", cancellationToken: cancellation))).Select(r => (Guid.Parse(r.Id), r.Name, r.Uri))];
    }

    /// <summary>Adds a host; false when the name or the URI is there already.</summary>
    public async Task<bool> AddAsync(Guid id, string name, string uri, string? problem, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await db.OpenAsync(cancellation);
            await connection.ExecuteAsync(new CommandDefinition("""
                INSERT INTO hosts (id, name, name_key, uri, maintenance, connected, problem, acceleration, cpus, memory_mib, created_at)
                VALUES (@id, @name, @key, @uri, @no, @no, @problem, 'unknown', 0, 0, @now)
                """, new { id, name, key = name.ToLowerInvariant(), uri, no = false, problem, now = time.GetUtcNow() }, cancellationToken: cancellation));
            return true;
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e))
        {
            return false;
        }
    }

    /// <summary>Whether a first host is to be added: only once ever, and only while there is none.</summary>
    public Task<bool> SeedAsync(string uri, CancellationToken cancellation) => db.TransactionAsync(async connection =>
        await connection.ExecuteAsync("INSERT INTO host_seeds (uri) VALUES (@uri) ON CONFLICT (uri) DO NOTHING", new { uri }) == 1
        && await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM hosts") == 0, cancellation);

    /// <summary>Renames, and takes into or out of maintenance; false when the name is taken.</summary>
    public async Task<bool> EditAsync(Guid id, string name, bool maintenance, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await db.OpenAsync(cancellation);
            await connection.ExecuteAsync(new CommandDefinition("UPDATE hosts SET name = @name, name_key = @key, maintenance = @maintenance WHERE id = @id",
                new { id, name, key = name.ToLowerInvariant(), maintenance }, cancellationToken: cancellation));
            return true;
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e))
        {
            return false;
        }
    }

    /// <summary>Forgets a host, its VMs and their tags; returns the VMs' ids.</summary>
    public Task<IReadOnlyList<string>> RemoveAsync(Guid id, CancellationToken cancellation) => db.TransactionAsync<IReadOnlyList<string>>(async connection =>
    {
        var vms = (await connection.QueryAsync<string>("SELECT id FROM vms WHERE host_id = @id", new { id })).ToList();
        await TagIndex.RemoveAsync(connection, VmStore.Kind, vms);
        await connection.ExecuteAsync("DELETE FROM hosts WHERE id = @id", new { id });
        return vms;
    }, cancellation);

    /// <summary>Writes what a supervisor found out; false when the host is gone.</summary>
    public async Task<bool> WriteFactsAsync(Guid id, HostFacts facts, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition("""
            UPDATE hosts SET connected = @Connected, problem = @Problem, version = coalesce(@Version, version), cpus = CASE WHEN @Cpus > 0 THEN @Cpus ELSE cpus END,
                memory_mib = CASE WHEN @MemoryMiB > 0 THEN @MemoryMiB ELSE memory_mib END, acceleration = @acceleration, acceleration_reason = @AccelerationReason,
                seen_at = coalesce(@SeenAt, seen_at)
            WHERE id = @id
            """, new { id, facts.Connected, facts.Problem, facts.Version, facts.Cpus, facts.MemoryMiB, acceleration = facts.Acceleration.ToColumn(), facts.AccelerationReason, facts.SeenAt }, cancellationToken: cancellation)) == 1;
    }

    private HostInfo Info(Row row) => new(
        row.Id, row.Name, row.Uri, row.Maintenance ? HostState.Maintenance : row.Connected ? HostState.Connected : HostState.Disconnected, row.Version, row.Problem,
        EnumColumn.FromColumn<Acceleration>(row.Acceleration), row.AccelerationReason, row.Cpus, row.MemoryMib, row.Vms, row.Running, row.Connected ? time.GetUtcNow() : row.SeenAt);

    private sealed record Row(
        Guid Id, string Name, string Uri, bool Maintenance, bool Connected, string? Version, string? Problem, string Acceleration, string? AccelerationReason,
        int Cpus, long MemoryMib, DateTimeOffset? SeenAt, int Vms, int Running);
}
