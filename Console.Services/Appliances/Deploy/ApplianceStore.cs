using Quarterdeck.Appliances.Exchange;
using System.Text.Json;
using Dapper;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Database;
using Quarterdeck.Secrets;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>A deployed appliance: what is needed to write its environment anew and to remove it.</summary>
internal sealed record ApplianceRow(
    Guid Id, Guid OperationId, Guid HostId, Guid VmId, string Name, string SystemId, OvaProduct Product, IReadOnlyList<string> Volumes, IReadOnlyDictionary<string, string> Properties)
{
    /// <summary>Which of the volumes is which of the package's disks.</summary>
    public IReadOnlyList<ApplianceDisk> Disks { get; init; } = [];
}

/// <summary>The table <c>appliances</c>. Passwords are in it encrypted, from the upload until power-on.</summary>
internal sealed class ApplianceStore(Db db, SecretBox secrets, TimeProvider time)
{
    private const string Purpose = "appliances.passwords";

    public async Task AddAsync(ApplianceRow row, IReadOnlyDictionary<string, string> passwords, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(
            """
            INSERT INTO appliances (id, operation_id, host_id, vm_id, name, system_id, product, vendor, version, volumes, disks, properties, secrets, created_at)
            VALUES (@Id, @OperationId, @HostId, @VmId, @Name, @SystemId, @product, @vendor, @version, @volumes, @disks, @properties, @secrets, @now)
            ON CONFLICT (id) DO UPDATE SET volumes = excluded.volumes, disks = excluded.disks, properties = excluded.properties, secrets = excluded.secrets
            """,
            new
            {
                row.Id, row.OperationId, row.HostId, row.VmId, row.Name, row.SystemId,
                product = row.Product.Name, vendor = row.Product.Vendor, version = row.Product.Version,
                volumes = JsonSerializer.Serialize(row.Volumes), disks = JsonSerializer.Serialize(row.Disks), properties = JsonSerializer.Serialize(row.Properties),
                secrets = passwords.Count == 0 ? null : secrets.Protect(Purpose, JsonSerializer.Serialize(passwords)), now = time.GetUtcNow(),
            });
    }

    public async Task<ApplianceRow?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Columns>(
            "SELECT id, operation_id, host_id, vm_id, name, system_id, product, vendor, version, volumes, disks, properties FROM appliances WHERE id = @id", new { id });
        return row is null ? null : new ApplianceRow(row.Id, row.OperationId, row.HostId, row.VmId, row.Name, row.SystemId, new OvaProduct(row.Product, row.Vendor, row.Version, ""),
            JsonSerializer.Deserialize<string[]>(row.Volumes)!, JsonSerializer.Deserialize<Dictionary<string, string>>(row.Properties)!)
            { Disks = JsonSerializer.Deserialize<ApplianceDisk[]>(row.Disks)! };
    }

    /// <summary>Says which volumes are the appliance's.</summary>
    public async Task VolumesAsync(Guid id, IReadOnlyList<string> paths, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE appliances SET volumes = @volumes WHERE id = @id", new { id, volumes = JsonSerializer.Serialize(paths) });
    }

    /// <summary>The passwords; empty once they were dropped.</summary>
    public async Task<IReadOnlyDictionary<string, string>> PasswordsAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var text = await connection.ExecuteScalarAsync<string?>("SELECT secrets FROM appliances WHERE id = @id", new { id });
        return text is null ? new Dictionary<string, string>() : JsonSerializer.Deserialize<Dictionary<string, string>>(secrets.Unprotect(Purpose, text))!;
    }

    public async Task DropPasswordsAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE appliances SET secrets = NULL WHERE id = @id", new { id });
    }

    /// <summary>One appliance takes the place of another as the VM's: the old one's row goes. Idempotent.</summary>
    public Task TakeOverAsync(Guid id, Guid before, Guid vmId, string name, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("DELETE FROM appliances WHERE id = @before", new { before });
        await connection.ExecuteAsync("UPDATE appliances SET vm_id = @vmId, name = @name WHERE id = @id", new { id, vmId, name });
    }, cancellation);

    public async Task RemoveAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("DELETE FROM appliances WHERE id = @id", new { id });
    }

    private sealed record Columns(Guid Id, Guid OperationId, Guid HostId, Guid VmId, string Name, string SystemId, string Product, string Vendor, string Version, string Volumes, string Disks, string Properties);
}
