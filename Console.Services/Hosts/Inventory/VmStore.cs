using System.Data.Common;
using System.Text;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts.Inventory;

/// <summary>The table <c>vms</c>: written by supervisors in bulk.</summary>
internal sealed class VmStore(Db db)
{
    /// <summary>The kind under which VMs are tagged, locked and audited.</summary>
    public const string Kind = "vm";

    private const int RowsAStatement = 200, RowsATransaction = 2000;

    private static readonly string[] Columns =
        ["id", "host_id", "domain_uuid", "name", "name_key", "state", "vcpus", "memory_mib", "acceleration", "autostart", "has_console", "disks", "networks", "boot_order"];

    private static readonly string Update = string.Join(", ", Columns[1..].Select(c => $"{c} = excluded.{c}"));

    /// <summary>All rows of a host.</summary>
    public async Task<IReadOnlyList<VmRow>> OfHostAsync(Guid hostId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<VmRow>(new CommandDefinition($"SELECT {string.Join(", ", Columns)} FROM vms WHERE host_id = @hostId", new { hostId }, cancellationToken: cancellation))];
    }

    /// <summary>Writes new and changed rows; returns them as stored, which differ by id where another host has the UUID already.</summary>
    public async Task<IReadOnlyList<VmRow>> WriteAsync(IReadOnlyList<VmRow> rows, CancellationToken cancellation)
    {
        var stored = new List<VmRow>(rows.Count);
        foreach (var some in rows.Chunk(RowsATransaction)) // short transactions: other writers wait their turn
            stored.AddRange(await db.TransactionAsync(async connection =>
            {
                var written = await UpsertAsync(connection, some);
                var foreign = some.Where(r => !written.Contains(r.Id)).Select(r => r with { Id = VmRow.DerivedId(r.HostId, r.DomainUuid) }).ToList();
                await UpsertAsync(connection, foreign);
                VmRow[] all = [.. some.Where(r => written.Contains(r.Id)), .. foreign];
                await WriteDisksAsync(connection, all);
                return all;
            }, cancellation));
        return stored;
    }

    /// <summary>Removes VMs that are gone from their host, with their tags.</summary>
    public Task RemoveAsync(IReadOnlyList<Guid> ids, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("DELETE FROM vms WHERE id = @id", ids.Select(id => new { id }));
        await TagIndex.RemoveAsync(connection, Kind, [.. ids.Select(id => id.ToString())]);
    }, cancellation);

    // An id that a row of another host has is left alone; the caller finds it missing among the returned ids.
    private static async Task<HashSet<Guid>> UpsertAsync(DbConnection connection, IReadOnlyList<VmRow> rows)
    {
        var written = new HashSet<Guid>();
        foreach (var some in rows.Chunk(RowsAStatement))
        {
            var sql = new StringBuilder("INSERT INTO vms (").AppendJoin(", ", Columns).Append(") VALUES ");
            var parameters = new DynamicParameters();
            for (var i = 0; i < some.Length; i++)
            {
                var r = some[i];
                object[] values = [r.Id, r.HostId, r.DomainUuid, r.Name, r.NameKey, r.State, r.Vcpus, r.MemoryMib, r.Acceleration, r.Autostart, r.HasConsole, r.Disks, r.Networks, r.BootOrder];
                sql.Append(i == 0 ? "(" : ", (").AppendJoin(", ", Enumerable.Range(0, values.Length).Select(c => $"@p{i}_{c}")).Append(')');
                for (var c = 0; c < values.Length; c++) parameters.Add($"p{i}_{c}", values[c]);
            }
            sql.Append($" ON CONFLICT (id) DO UPDATE SET {Update} WHERE vms.host_id = excluded.host_id RETURNING id");
            written.UnionWith(await connection.QueryAsync<Guid>(sql.ToString(), parameters));
        }
        return written;
    }

    private static async Task WriteDisksAsync(DbConnection connection, IReadOnlyList<VmRow> rows)
    {
        foreach (var some in rows.Chunk(RowsAStatement))
        {
            await connection.ExecuteAsync("DELETE FROM vm_disks WHERE vm_id IN @ids", new { ids = some.Select(r => r.Id.ToString()) });
            foreach (var disks in some.SelectMany(r => r.Paths().DistinctBy(p => p.Target).Select(p => (r.Id, p.Target, p.Path))).Chunk(RowsAStatement))
            {
                var parameters = new DynamicParameters();
                var values = new StringBuilder();
                for (var i = 0; i < disks.Length; i++)
                {
                    values.Append(i == 0 ? "" : ", ").Append($"(@v{i}, @t{i}, @p{i})");
                    parameters.Add($"v{i}", disks[i].Id);
                    parameters.Add($"t{i}", disks[i].Target);
                    parameters.Add($"p{i}", disks[i].Path);
                }
                await connection.ExecuteAsync($"INSERT INTO vm_disks (vm_id, target, path) VALUES {values}", parameters);
            }
        }
    }
}
