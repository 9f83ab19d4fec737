using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Workers.Registry;

/// <summary>Reads code and static files of versions.</summary>
internal sealed class CodeReader(Db db, VersionStore versions, WorkerStore workers, PolicyStore policies, BlobStore blobs, ObjectStore objects)
{
    public async Task<WorkerCode?> CodeAsync(WorkerKey key, CancellationToken cancellation)
    {
        if (await versions.FindAsync(key, cancellation) is not { } version || await workers.FindAsync(key.Serial, cancellation) is not { } worker) return null;
        var limits = version.Limits.Within((await policies.ReadAsync(cancellation)).Ceilings);
        var bindings = version.Bindings.Any(b => b.Kind is BindingKind.Secret) ? SecretValues.Fill(version.Bindings, await versions.SecretsAsync(key, cancellation)) : version.Bindings;
        return new WorkerCode(key, worker.Name, version.Digest, version.MainModule, version.CompatibilityDate, version.CompatibilityFlags, await ModulesAsync(version, cancellation), bindings, limits, version.Egress)
        {
            ObjectClasses = [.. (await objects.ClassesAsync(key.Serial, cancellation)).Select(c => new ObjectClass(c.Key, c.Name))],
            ObjectKeys = await KeysAsync(worker.Name, bindings, cancellation),
        };
    }

    private async Task<IReadOnlyDictionary<string, string>> KeysAsync(string worker, IReadOnlyList<WorkerBinding> bindings, CancellationToken cancellation)
    {
        var own = bindings.Where(b => b.Kind is BindingKind.DurableObject).Select(b => (b.Name, Worker: ObjectClass.OwnerOf(b) ?? worker, Class: ObjectClass.NameOf(b))).ToList();
        if (own.Count == 0) return new Dictionary<string, string>();
        var keys = await objects.KeysAsync([.. own.Select(b => b.Worker).Distinct()], cancellation);
        return own.Where(b => keys.ContainsKey((b.Worker, b.Class))).ToDictionary(b => b.Name, b => keys[(b.Worker, b.Class)]);
    }

    /// <summary>A version's modules with their bytes, main module first.</summary>
    public async Task<IReadOnlyList<WorkerModule>> ModulesAsync(WorkerVersion version, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition("""
            SELECT m.name, m.kind, b.content FROM worker_modules m JOIN worker_blobs b ON b.digest = m.digest
            WHERE m.serial = @Serial AND m.version = @Version ORDER BY CASE WHEN m.name = @MainModule THEN 0 ELSE 1 END, m.name
            """, new { version.Serial, version.Version, version.MainModule }, cancellationToken: cancellation));
        return [.. rows.Select(r => new WorkerModule(r.Name, r.Kind, r.Content))];
    }

    public Task<ReadOnlyMemory<byte>?> BlobAsync(string digest, CancellationToken cancellation) => blobs.FindAsync(digest, cancellation);

    private sealed record Row(string Name, ModuleKind Kind, byte[] Content);
}
