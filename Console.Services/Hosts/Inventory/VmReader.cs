using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts.Inventory;

/// <summary>Reads VMs for lists, pages and live updates.</summary>
internal sealed class VmReader(Db db, TagIndex tags)
{
    private const string Select = """
        SELECT v.id, v.host_id, v.domain_uuid, v.name, v.name_key, v.state, v.vcpus, v.memory_mib, v.acceleration, v.autostart, v.has_console, v.disks, v.networks, v.boot_order,
               h.name AS host_name, h.connected
        FROM vms v JOIN hosts h ON h.id = v.host_id
        """;

    /// <summary>Sort fields of <see cref="VirtualMachines.ListAsync"/>.</summary>
    public static IReadOnlyDictionary<string, string> SortColumns { get; } = new Dictionary<string, string>
    {
        ["name"] = "v.name_key", ["state"] = "v.state", ["host"] = "h.name_key", ["vcpus"] = "v.vcpus", ["memoryMiB"] = "v.memory_mib",
    };

    /// <summary>One page.</summary>
    public async Task<Page<Vm>> PageAsync(VmQuery query, PageQuery page, string column, bool descending, CancellationToken cancellation)
    {
        var (where, parameters) = Where(query, page.Search);
        parameters.Add("size", page.Size);
        parameters.Add("offset", page.Offset);
        var direction = descending ? "DESC" : "ASC";
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT count(*) FROM vms v {where}", parameters, cancellationToken: cancellation));
        var order = column == "v.name_key" ? $"v.name_key {direction}, v.id {direction}" : $"{column} {direction}, v.name_key {direction}, v.id";
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"{Select} {where} ORDER BY {order} LIMIT @size OFFSET @offset", parameters, cancellationToken: cancellation));
        return new Page<Vm>(await WithTagsAsync([.. rows], cancellation), total, page.Number, page.Size);
    }

    /// <summary>How many match, by state.</summary>
    public async Task<VmCounts> CountAsync(VmQuery query, CancellationToken cancellation)
    {
        var (where, parameters) = Where(query, null);
        await using var connection = await db.OpenAsync(cancellation);
        var rows = (await connection.QueryAsync<(string State, int Count)>(new CommandDefinition($"SELECT v.state, count(*) FROM vms v {where} GROUP BY v.state", parameters, cancellationToken: cancellation)))
            .ToDictionary(r => EnumColumn.FromColumn<VmState>(r.State), r => r.Count);
        return new VmCounts(rows.GetValueOrDefault(VmState.Running), rows.GetValueOrDefault(VmState.Paused), rows.GetValueOrDefault(VmState.Off), rows.GetValueOrDefault(VmState.Crashed));
    }

    /// <summary>One VM with its domain's UUID, or null.</summary>
    public async Task<(Vm Vm, Guid Domain)?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition($"{Select} WHERE v.id = @id", new { id }, cancellationToken: cancellation));
        return row is null ? null : ((await WithTagsAsync([row], cancellation))[0], row.DomainUuid);
    }

    /// <summary>The VMs with these ids, or of this host when there are none; for live updates.</summary>
    public async Task<IReadOnlyList<Vm>> LoadAsync(IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = new List<Row>(ids.Count);
        foreach (var some in ids.Chunk(1000))
            rows.AddRange(await connection.QueryAsync<Row>(new CommandDefinition($"{Select} WHERE v.id IN @some", new { some }, cancellationToken: cancellation)));
        return await WithTagsAsync(rows, cancellation);
    }

    /// <summary>All VMs of a host.</summary>
    public async Task<IReadOnlyList<Vm>> OfHostAsync(Guid hostId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"{Select} WHERE v.host_id = @hostId", new { hostId }, cancellationToken: cancellation));
        return await WithTagsAsync([.. rows], cancellation);
    }

    /// <summary>The VMs of a domain's UUID: more than one while it moves between hosts.</summary>
    public async Task<IReadOnlyList<Vm>> OfDomainAsync(Guid domain, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"{Select} WHERE v.domain_uuid = @domain ORDER BY v.id", new { domain }, cancellationToken: cancellation));
        return await WithTagsAsync([.. rows], cancellation);
    }

    /// <summary>Names of other VMs that use a file of the host.</summary>
    public async Task<IReadOnlyList<string>> UsersOfAsync(Guid hostId, string path, Guid except, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<string>(new CommandDefinition("""
            SELECT DISTINCT v.name FROM vm_disks d JOIN vms v ON v.id = d.vm_id
            WHERE d.path = @path AND v.host_id = @hostId AND v.id <> @except ORDER BY v.name
            """, new { hostId, path, except }, cancellationToken: cancellation))];
    }

    private async Task<IReadOnlyList<Vm>> WithTagsAsync(IReadOnlyList<Row> rows, CancellationToken cancellation)
    {
        var all = await tags.OfAsync(VmStore.Kind, [.. rows.Select(r => r.Id.ToString())], cancellation);
        return [.. rows.Select(r => r.ToRow().ToVm(r.HostName, r.Connected, all[r.Id.ToString()]))];
    }

    private static (string Where, DynamicParameters Parameters) Where(VmQuery query, string? search)
    {
        var conditions = new List<string>();
        var parameters = new DynamicParameters();
        if (query.HostId is { } hostId) Add("v.host_id = @hostId", "hostId", hostId);
        if (query.State is { } state) Add("v.state = @state", "state", state.ToColumn());
        if (query.Tag is { } tag) Add(TagIndex.Has(VmStore.Kind, "v.id", "tag"), "tag", tag.Trim().ToLowerInvariant());
        if (query.Ids is { } ids) Add(ids.Count == 0 ? "1 = 0" : "v.id IN @ids", "ids", ids.Select(i => i.ToString()).ToArray());
        if (!string.IsNullOrWhiteSpace(search))
            Add($@"(v.name_key LIKE @search ESCAPE '\' OR v.id LIKE @search ESCAPE '\' OR {TagIndex.Like(VmStore.Kind, "v.id", "search")})", "search", Dialect.Contains(search.Trim().ToLowerInvariant()));
        return (conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions), parameters);

        void Add(string condition, string name, object value)
        {
            conditions.Add(condition);
            parameters.Add(name, value);
        }
    }

    private sealed record Row(
        Guid Id, Guid HostId, Guid DomainUuid, string Name, string NameKey, string State, int Vcpus, long MemoryMib, string Acceleration,
        bool Autostart, bool HasConsole, string Disks, string Networks, string BootOrder, string HostName, bool Connected)
    {
        public VmRow ToRow() => new(Id, HostId, DomainUuid, Name, NameKey, State, Vcpus, MemoryMib, Acceleration, Autostart, HasConsole, Disks, Networks, BootOrder);
    }
}
