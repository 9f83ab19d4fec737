using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>A version that passed every check and is about to be stored.</summary>
/// <param name="Code">Its code; the key's version is not known yet.</param>
/// <param name="Limits">As they were asked for; the code's are within the ceilings.</param>
/// <param name="Triggers">What starts it besides requests.</param>
/// <param name="Assets">How its static files are served; null for none.</param>
/// <param name="AssetFiles">Their bytes by path; empty when those of another version are taken over.</param>
/// <param name="HealthPath">What the start-up check asks.</param>
/// <param name="Message">A word about it.</param>
internal sealed record VersionDraft(
    WorkerCode Code, WorkerLimits Limits, WorkerTriggers Triggers, WorkerAssets? Assets, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> AssetFiles, string? HealthPath, string Message)
{
    /// <summary>What was left out of it, and why.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Every queue that it names.</summary>
    public IReadOnlyList<string> Queues =>
        [.. Code.Bindings.Where(b => b.Kind is BindingKind.Queue).Select(b => b.Value.GetProperty("queue").GetString()!).Concat(Triggers.Queues.SelectMany(q => (string?[])[q.Queue, q.DeadLetterQueue])).OfType<string>().Distinct()];

    /// <summary>Changes of the classes of durable objects, in order; those that the worker has behind it are passed over.</summary>
    public IReadOnlyList<ObjectMigration> Migrations { get; init; } = [];
}

/// <summary>How static files are served, as it is kept with a version.</summary>
internal sealed record StoredAssets(AssetNotFound NotFound, bool WorkerFirst, IReadOnlyList<AssetRedirect>? Redirects = null, IReadOnlyList<AssetHeaders>? Headers = null);

/// <summary>The tables <c>worker_versions</c>, <c>worker_modules</c> and <c>worker_assets</c>.</summary>
internal sealed class VersionStore(Db db, SecretValues secrets, TimeProvider time)
{
    private const string Columns = """
        v.serial, v.version, v.digest, v.main_module, v.compatibility_date, v.compatibility_flags, v.limits, v.bindings, v.triggers, v.assets, v.egress, v.health_path, v.message, v.created_by, v.created_at
        """;

    public async Task<Page<WorkerVersion>> ListAsync(long serial, PageQuery page, CancellationToken cancellation)
    {
        var values = new { serial, size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition("SELECT COUNT(*) FROM worker_versions WHERE serial = @serial", values, cancellationToken: cancellation));
        var order = page.Sort is { } sort && !sort.StartsWith('-') ? "ASC" : "DESC";
        return new Page<WorkerVersion>(await QueryAsync(connection, $"WHERE v.serial = @serial ORDER BY v.version {order} LIMIT @size OFFSET @offset", values, cancellation), total, page.Number, page.Size);
    }

    public async Task<WorkerVersion?> FindAsync(WorkerKey key, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await QueryAsync(connection, "WHERE v.serial = @Serial AND v.version = @Version", new { key.Serial, key.Version }, cancellation)).SingleOrDefault();
    }

    /// <summary>Which of these versions there are, and whether those who made them are trusted.</summary>
    public async Task<IReadOnlyDictionary<int, bool>> TrustedAsync(DbConnection connection, long serial, IReadOnlyList<int> versions) =>
        (await connection.QueryAsync<Made>("SELECT version, trusted FROM worker_versions WHERE serial = @serial AND version IN @versions", new { serial, versions })).ToDictionary(m => m.Version, m => m.Trusted);

    /// <summary>The values of a version's secrets by binding.</summary>
    public async Task<IReadOnlyDictionary<string, string>> SecretsAsync(WorkerKey key, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return secrets.Open(await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            "SELECT secrets FROM worker_versions WHERE serial = @Serial AND version = @Version", new { key.Serial, key.Version }, cancellationToken: cancellation)));
    }

    /// <summary>Adds a version with the next number; its blobs are stored already.</summary>
    public async Task<WorkerKey> AddAsync(DbConnection connection, long serial, VersionDraft draft, bool trusted, string by)
    {
        var now = time.GetUtcNow();
        // The update locks the worker's row: versions of one worker are numbered in a row.
        var version = await connection.QuerySingleAsync<int>("UPDATE workers SET latest_version = latest_version + 1, changed_at = @now WHERE serial = @serial RETURNING latest_version", new { serial, now });
        var code = draft.Code;
        await connection.ExecuteAsync("""
            INSERT INTO worker_versions (serial, version, digest, trusted, main_module, compatibility_date, compatibility_flags, limits, bindings, secrets, triggers, assets, egress, health_path, message, created_by, created_at)
            VALUES (@serial, @version, @Digest, @trusted, @MainModule, @CompatibilityDate, @flags, @limits, @bindings, @sealed, @triggers, @assets, @egress, @HealthPath, @Message, @by, @now)
            """, new
        {
            serial, version, code.Digest, trusted, code.MainModule, code.CompatibilityDate, flags = StoredJson.Write(code.CompatibilityFlags), limits = StoredJson.Write(draft.Limits),
            bindings = StoredJson.Write(SecretValues.Hide(code.Bindings)), @sealed = secrets.Seal(code.Bindings), triggers = StoredJson.Write(draft.Triggers),
            assets = draft.Assets is { } a ? StoredJson.Write(new StoredAssets(a.NotFound, a.WorkerFirst, a.Redirects, a.Headers)) : null, egress = StoredJson.WriteOptional(code.Egress), draft.HealthPath, draft.Message, by, now,
        });
        await connection.ExecuteAsync("INSERT INTO worker_modules (serial, version, name, kind, bytes, digest) VALUES (@serial, @version, @Name, @kind, @bytes, @digest)",
            code.Modules.Select(m => new { serial, version, m.Name, kind = m.Kind.ToColumn(), bytes = (long)m.Content.Length, digest = CodeDigest.Of(m.Content.Span) }));
        if (draft.Assets is { } assets)
            await connection.ExecuteAsync("INSERT INTO worker_assets (serial, version, path, content_type, bytes, digest) VALUES (@serial, @version, @Path, @ContentType, @Bytes, @Digest)",
                assets.Files.Values.Select(f => new { serial, version, f.Path, f.ContentType, f.Bytes, f.Digest }));
        return new WorkerKey(serial, version);
    }

    /// <summary>Removes the oldest versions of a worker above a number, but for those that one of the last ten deployments names; answers how many.</summary>
    public async Task<int> PruneAsync(long serial, int keep, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition("""
            DELETE FROM worker_versions WHERE serial = @serial
                AND version <= (SELECT latest_version FROM workers WHERE serial = @serial) - @keep
                AND version NOT IN (SELECT s.version FROM worker_shares s WHERE s.serial = @serial AND s.number > (SELECT deployment FROM workers WHERE serial = @serial) - 10)
            """, new { serial, keep }, cancellationToken: cancellation));
    }

    private static async Task<IReadOnlyList<WorkerVersion>> QueryAsync(DbConnection connection, string clauses, object values, CancellationToken cancellation)
    {
        var rows = (await connection.QueryAsync<VersionRow>(new CommandDefinition($"SELECT {Columns} FROM worker_versions v {clauses}", values, cancellationToken: cancellation))).AsList();
        if (rows.Count == 0) return [];
        var of = new { serial = rows[0].Serial, versions = rows.Select(r => r.Version).ToArray() };
        var modules = (await connection.QueryAsync<ModuleRow>(new CommandDefinition(
            "SELECT version, name, kind, bytes, digest FROM worker_modules WHERE serial = @serial AND version IN @versions ORDER BY name", of, cancellationToken: cancellation))).ToLookup(m => m.Version);
        var assets = rows.All(r => r.Assets is null) ? Enumerable.Empty<AssetRow>().ToLookup(a => a.Version) : (await connection.QueryAsync<AssetRow>(new CommandDefinition(
            "SELECT serial, version, path, digest, content_type, bytes FROM worker_assets WHERE serial = @serial AND version IN @versions ORDER BY path", of, cancellationToken: cancellation))).ToLookup(a => a.Version);
        return [.. rows.Select(r => r.ToVersion([.. modules[r.Version].Select(m => new ModuleInfo(m.Name, m.Kind, m.Bytes, m.Digest))], AssetRow.Assets(r.Assets, assets[r.Version])))];
    }

    private sealed record Made(int Version, bool Trusted);

    private sealed record ModuleRow(int Version, string Name, ModuleKind Kind, long Bytes, string Digest);
}

/// <summary>A row of <c>worker_versions</c>, without secrets.</summary>
internal sealed record VersionRow(
    long Serial, int Version, string Digest, string MainModule, string CompatibilityDate, string CompatibilityFlags, string Limits, string Bindings, string Triggers, string? Assets, string? Egress,
    string? HealthPath, string Message, string CreatedBy, DateTimeOffset CreatedAt)
{
    public WorkerVersion ToVersion(IReadOnlyList<ModuleInfo> modules, WorkerAssets? assets) => new()
    {
        Serial = Serial, Version = Version, Digest = Digest, MainModule = MainModule, CompatibilityDate = CompatibilityDate, CompatibilityFlags = StoredJson.Read<string[]>(CompatibilityFlags),
        Limits = StoredJson.Read<WorkerLimits>(Limits), Bindings = StoredJson.Read<WorkerBinding[]>(Bindings), Triggers = StoredJson.Read<WorkerTriggers>(Triggers), Modules = modules, Assets = assets,
        Egress = StoredJson.ReadOptional<string[]>(Egress), HealthPath = HealthPath, Message = Message, CreatedBy = CreatedBy, CreatedAt = CreatedAt,
    };
}

/// <summary>A row of <c>worker_assets</c>.</summary>
internal sealed record AssetRow(long Serial, int Version, string Path, string Digest, string ContentType, long Bytes)
{
    public static WorkerAssets? Assets(string? settings, IEnumerable<AssetRow> files) => StoredJson.ReadOptional<StoredAssets>(settings) is not { } stored ? null : new WorkerAssets(
        files.ToDictionary(f => f.Path, f => new AssetFile(f.Path, f.Digest, f.ContentType, f.Bytes), StringComparer.Ordinal), stored.NotFound, stored.WorkerFirst)
    {
        Redirects = stored.Redirects ?? [], Headers = stored.Headers ?? [],
    };
}
