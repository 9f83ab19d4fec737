using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Objects;

/// <summary>A class as it is stored.</summary>
internal sealed record ClassRow(string Key, long Serial, string Name, DateTimeOffset CreatedAt);

/// <summary>Who has a store.</summary>
internal sealed record StoreRow(string Id, string Node, string Holder, string Place, DateTimeOffset HeldUntil, string? Address, string? Fingerprint, string? Token);

/// <summary>The tables of durable objects; what is in the objects is in their store's folder.</summary>
internal sealed class ObjectStore(Db db, TimeProvider time)
{
    /// <summary>Classes that are there, of one worker or of all.</summary>
    public async Task<IReadOnlyList<ClassRow>> ClassesAsync(long serial, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<ClassRow>(new CommandDefinition("""
            SELECT key, serial, name, created_at FROM worker_object_classes WHERE serial = @serial AND deleted_at IS NULL ORDER BY name
            """, new { serial }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>A class by its key; null when it was deleted.</summary>
    public async Task<ClassRow?> ClassAsync(string key, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<ClassRow>(new CommandDefinition("""
            SELECT key, serial, name, created_at FROM worker_object_classes WHERE key = @key AND deleted_at IS NULL
            """, new { key }, cancellationToken: cancellation));
    }

    /// <summary>Keys of classes of workers by name: what bindings to other workers' classes lead to.</summary>
    public async Task<IReadOnlyDictionary<(string Worker, string Class), string>> KeysAsync(IReadOnlyCollection<string> workers, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<(string Worker, string Name, string Key)>(new CommandDefinition("""
            SELECT w.name, c.name, c.key FROM worker_object_classes c JOIN workers w ON w.serial = c.serial WHERE w.name IN @workers AND c.deleted_at IS NULL
            """, new { workers }, cancellationToken: cancellation))).ToDictionary(r => (r.Worker, r.Name), r => r.Key);
    }

    /// <summary>Makes classes that are not there yet, in the transaction that makes the version.</summary>
    public async Task EnsureAsync(DbConnection connection, long serial, IEnumerable<string> names)
    {
        foreach (var name in names)
            await connection.ExecuteAsync("INSERT INTO worker_object_classes (key, serial, name, created_at) VALUES (@key, @serial, @name, @now) ON CONFLICT (serial, name) DO NOTHING",
                new { key = Guid.CreateVersion7(time.GetUtcNow()).ToString("N"), serial, name, now = time.GetUtcNow() });
    }

    /// <summary>Takes a store for a process, or keeps it; null when another process has it.</summary>
    /// <param name="wanted">How the row is to be.</param>
    /// <param name="unlocked">Whether the folder was found unlocked at the place that the row names: its last holder has ended.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<StoreRow?> HoldAsync(StoreRow wanted, bool unlocked, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<StoreRow>(new CommandDefinition("""
            INSERT INTO worker_object_stores (id, node, holder, place, held_until, address, fingerprint, token) VALUES (@Id, @Node, @Holder, @Place, @HeldUntil, @Address, @Fingerprint, @Token)
            ON CONFLICT (id) DO UPDATE SET node = excluded.node, holder = excluded.holder, place = excluded.place, held_until = excluded.held_until,
                address = excluded.address, fingerprint = excluded.fingerprint, token = excluded.token
            WHERE worker_object_stores.holder = excluded.holder OR worker_object_stores.held_until < @now OR (@unlocked AND worker_object_stores.place = excluded.place)
            RETURNING id, node, holder, place, held_until, address, fingerprint, token
            """, new { wanted.Id, wanted.Node, wanted.Holder, wanted.Place, wanted.HeldUntil, wanted.Address, wanted.Fingerprint, wanted.Token, unlocked, now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>Gives a store back.</summary>
    public async Task LeaveAsync(string id, string holder, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE worker_object_stores SET held_until = 0 WHERE id = @id AND holder = @holder", new { id, holder }, cancellationToken: cancellation));
    }

    /// <summary>The store in which a worker's objects are; <paramref name="here"/> when they were in none yet. Null when the worker is gone.</summary>
    public async Task<StoreRow?> HomeAsync(long serial, string? here, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        if (here is not null)
            await connection.ExecuteAsync(new CommandDefinition("""
                INSERT INTO worker_object_homes (serial, store) SELECT serial, @here FROM workers WHERE serial = @serial ON CONFLICT (serial) DO NOTHING
                """, new { serial, here }, cancellationToken: cancellation));
        return await connection.QuerySingleOrDefaultAsync<StoreRow>(new CommandDefinition("""
            SELECT s.id, s.node, s.holder, s.place, s.held_until, s.address, s.fingerprint, s.token FROM worker_object_homes h JOIN worker_object_stores s ON s.id = h.store WHERE h.serial = @serial
            """, new { serial }, cancellationToken: cancellation));
    }

    /// <summary>Which workers' objects in a store want to be woken, and when.</summary>
    public async Task<IReadOnlyDictionary<long, DateTimeOffset>> WakesAsync(string store, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<(long Serial, DateTimeOffset At)>(new CommandDefinition("""
            SELECT serial, wake_at FROM worker_object_homes WHERE store = @store AND wake_at IS NOT NULL
            """, new { store }, cancellationToken: cancellation))).ToDictionary(r => r.Serial, r => r.At);
    }

    /// <summary>Notes when a worker's objects want to be woken; null for never.</summary>
    public async Task WakeAsync(long serial, DateTimeOffset? at, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE worker_object_homes SET wake_at = @at WHERE serial = @serial", new { serial, at }, cancellationToken: cancellation));
    }

    /// <summary>Classes that a migration deleted, of workers whose objects are in a store or nowhere.</summary>
    public async Task<IReadOnlyList<(string Key, long Serial, bool Here)>> DeletedAsync(string store, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<(string, long, bool)>(new CommandDefinition("""
            SELECT c.key, c.serial, h.store IS NOT NULL FROM worker_object_classes c LEFT JOIN worker_object_homes h ON h.serial = c.serial
            WHERE c.deleted_at IS NOT NULL AND (h.store = @store OR h.store IS NULL)
            """, new { store }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Forgets a class whose objects are gone.</summary>
    public async Task ForgetAsync(string key, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_object_classes WHERE key = @key AND deleted_at IS NOT NULL", new { key }, cancellationToken: cancellation));
    }

    /// <summary>Of some workers, those that there still are.</summary>
    public async Task<IReadOnlySet<long>> LivingAsync(IReadOnlyList<long> serials, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<long>(new CommandDefinition("SELECT serial FROM workers WHERE serial IN @serials", new { serials }, cancellationToken: cancellation))).ToHashSet();
    }
}
