using System.Text.Json;
using Dapper;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>The table <c>appliances</c>. Passwords are in it encrypted, from the upload until power-on.</summary>
internal sealed class ApplianceStore(Db db, SecretBox secrets, EventStream<Appliance> stream, TimeProvider time)
{
    private const string Purpose = "appliances.passwords";

    private static readonly Dictionary<string, string> Sorts = new(StringComparer.Ordinal)
    {
        ["name"] = "LOWER(name)", ["product"] = "LOWER(product)", ["vendor"] = "LOWER(vendor)", ["publisher"] = "LOWER(COALESCE(publisher, ''))", ["createdAt"] = "created_at",
    };

    public async Task AddAsync(ApplianceRow row, IReadOnlyDictionary<string, string> passwords, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(
            """
            INSERT INTO appliances (id, operation_id, host_id, vm_id, name, system_id, product, vendor, version, volumes, disks, properties, secrets, created_at,
                publisher, publisher_fingerprint, signature, deployment_option, networks, package_bytes, contributed, environment)
            VALUES (@Id, @OperationId, @HostId, @VmId, @Name, @SystemId, @product, @vendor, @version, @volumes, @disks, @properties, @secrets, @now,
                @publisher, @fingerprint, @signature, @Option, @networks, @PackageBytes, FALSE, @environment)
            ON CONFLICT (id) DO UPDATE SET volumes = excluded.volumes, disks = excluded.disks, properties = excluded.properties, secrets = excluded.secrets
            """,
            new
            {
                row.Id, row.OperationId, row.HostId, row.VmId, row.Name, row.SystemId, row.Option, row.PackageBytes,
                product = row.Product.Name, vendor = row.Product.Vendor, version = row.Product.Version,
                volumes = JsonSerializer.Serialize(row.Volumes), disks = JsonSerializer.Serialize(row.Disks), properties = JsonSerializer.Serialize(row.Properties), networks = JsonSerializer.Serialize(row.Networks),
                secrets = passwords.Count == 0 ? null : secrets.Protect(Purpose, JsonSerializer.Serialize(passwords)), now = time.GetUtcNow(),
                publisher = row.Signature.Publisher, fingerprint = row.Signature.Fingerprint, signature = row.Signature.State.ToColumn(),
                environment = (passwords.Values.Any(p => p.Length > 0) ? EnvironmentState.Open : EnvironmentState.Plain).ToColumn(),
            });
        stream.Changed(row.Id.ToString("D"));
    }

    public async Task<ApplianceRow?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<ApplianceRow.Read>($"SELECT {ApplianceRow.Columns} FROM appliances WHERE id = @id", new { id });
        return row is null ? null : ApplianceRow.Of(row);
    }

    public async Task<IReadOnlyList<ApplianceRow>> OfVmAsync(Guid vmId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<ApplianceRow.Read>($"SELECT {ApplianceRow.Columns} FROM appliances WHERE vm_id = @vmId", new { vmId })).Select(ApplianceRow.Of)];
    }

    /// <summary>For the topic <c>appliances</c>.</summary>
    public async Task<IReadOnlyList<Appliance>> LoadAsync(IReadOnlyList<string> keys, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<ApplianceRow.Read>($"SELECT {ApplianceRow.Columns} FROM appliances WHERE id IN @keys AND vm_id <> id", new { keys })).Select(r => ApplianceRow.Of(r).ToAppliance())];
    }

    public async Task<Result<Page<Appliance>>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "-createdAt";
        if (!Sorts.TryGetValue(sort.TrimStart('-'), out var column)) return Problem.Invalid("sort", $"Appliances cannot be sorted by '{sort}'.", $"Use one of: {string.Join(", ", Sorts.Keys)}.");
        string[] searched = ["name", "product", "vendor", "COALESCE(publisher, '')"];
        // While a package is tried in the place of another, its row stands for no VM yet (its own id is there instead).
        var where = "WHERE vm_id <> id" + (page.Search is { Length: > 0 } ? $" AND ({string.Join(" OR ", searched.Select(c => db.Dialect.Like(c, "search")))})" : "");
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>($"SELECT COUNT(*) FROM appliances {where}", values);
        var rows = await connection.QueryAsync<ApplianceRow.Read>(
            $"SELECT {ApplianceRow.Columns} FROM appliances {where} ORDER BY {column} {(sort.StartsWith('-') ? "DESC" : "ASC")}, id LIMIT @size OFFSET @offset", values);
        return new Page<Appliance>([.. rows.Select(r => ApplianceRow.Of(r).ToAppliance())], total, page.Number, page.Size);
    }

    /// <summary>Appliances that are no plug-ins, whose deployment is over and whose environment still holds passwords.</summary>
    public async Task<IReadOnlyList<ApplianceRow>> OpenAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<ApplianceRow.Read>(
            $"SELECT {ApplianceRow.Columns} FROM appliances WHERE environment = @open AND contributed = FALSE AND secrets IS NULL",
            new { open = EnvironmentState.Open.ToColumn() });
        return [.. rows.Select(ApplianceRow.Of)];
    }

    /// <summary>Says which volumes are the appliance's, and which of them hold its environment.</summary>
    public async Task VolumesAsync(Guid id, IReadOnlyList<string> paths, EnvironmentPlaces places, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(
            "UPDATE appliances SET volumes = @volumes, iso_path = @Iso, firmware_path = @Firmware WHERE id = @id", new { id, volumes = JsonSerializer.Serialize(paths), places.Iso, places.Firmware });
        stream.Changed(id.ToString("D"));
    }

    /// <summary>A room above takes part in it; then its token makes the environment a secret, too.</summary>
    public async Task ContributedAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE appliances SET contributed = TRUE, environment = @open WHERE id = @id", new { id, open = EnvironmentState.Open.ToColumn() });
        stream.Changed(id.ToString("D"));
    }

    /// <summary>It was powered on for the first time, or seen running.</summary>
    public async Task StartedAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE appliances SET started_at = @now WHERE id = @id AND started_at IS NULL", new { id, now = time.GetUtcNow() });
    }

    public async Task<bool> HasStartedAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<long?>("SELECT started_at FROM appliances WHERE id = @id", new { id }) is not null;
    }

    /// <summary>Token and passwords are out of its environment.</summary>
    public async Task SealedAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE appliances SET environment = @closed WHERE id = @id", new { id, closed = EnvironmentState.Sealed.ToColumn() });
        stream.Changed(id.ToString("D"));
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
    public async Task TakeOverAsync(Guid id, Guid before, Guid vmId, string name, CancellationToken cancellation)
    {
        await db.TransactionAsync(async connection =>
        {
            await connection.ExecuteAsync("DELETE FROM appliances WHERE id = @before", new { before });
            await connection.ExecuteAsync("UPDATE appliances SET vm_id = @vmId, name = @name WHERE id = @id", new { id, vmId, name });
        }, cancellation);
        stream.Remove(before.ToString("D"));
        stream.Changed(id.ToString("D"));
    }

    public async Task MovedAsync(Guid vmId, Guid hostId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE appliances SET host_id = @hostId WHERE vm_id = @vmId", new { vmId, hostId });
    }

    public async Task RemoveAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("DELETE FROM appliances WHERE id = @id", new { id });
        stream.Remove(id.ToString("D"));
    }
}
