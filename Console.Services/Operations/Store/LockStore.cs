using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Store;

/// <summary>Who holds which resource, and who waits for it.</summary>
/// <remarks>
/// An operation takes all its locks at once or none. It waits while a conflicting operation holds one of its resources, or stands before it in the queue (its path is less):
/// everyone waits only for earlier ones, so nobody starves, and no two wait for each other. A part shares what its ancestors hold, and stands where its root stands.
/// </remarks>
internal static class LockStore
{
    private const long PostgresMutex = 0x51_64_4B_00_20; // "QdK" 32: grants are decided one at a time across nodes

    private const string Waits = """
        SELECT mine.operation_id AS waiter, other.operation_id AS blocker FROM operation_locks mine
        JOIN operation_locks other ON other.resource = mine.resource AND other.operation_id <> mine.operation_id
        WHERE (mine.mode = 'exclusive' OR other.mode = 'exclusive')
        AND (other.granted OR other.path < mine.path) AND substr(mine.path, 1, length(other.path)) <> other.path
        """;

    /// <summary>Comes first in every transaction that may touch locks, before any row is held; held until its end. SQLite has one writer anyway.</summary>
    public static Task MutexAsync(DbConnection connection, Dialect dialect) => dialect.Engine is DatabaseEngine.Postgres
        ? connection.ExecuteAsync("SELECT pg_advisory_xact_lock(@PostgresMutex)", new { PostgresMutex }) : Task.CompletedTask;

    /// <summary>Asks for the locks of an operation.</summary>
    public static Task RequestAsync(DbConnection connection, Guid id, string path, IReadOnlyList<ResourceLock> locks) => connection.ExecuteAsync("""
        INSERT INTO operation_locks (operation_id, resource, mode, granted, path) VALUES (@id, @Resource, @mode, FALSE, @path)
        """, Strongest(locks).Select(l => new { id, l.Resource, mode = l.Mode.ToColumn(), path }));

    /// <summary>Grants what nothing is in the way of, among those who wait for <paramref name="resources"/> (null: for anything); returns who may start now.</summary>
    public static async Task<IReadOnlyList<Ready>> GrantAsync(DbConnection connection, IReadOnlyCollection<string>? resources)
    {
        if (resources is { Count: 0 }) return [];
        var among = resources is null ? "" : $"AND w.resource IN ({Names(resources)})";
        var granted = (await connection.QueryAsync<Guid>($"""
            UPDATE operation_locks SET granted = TRUE WHERE NOT granted AND operation_id IN (
                SELECT w.operation_id FROM operation_locks w WHERE NOT w.granted {among} AND NOT EXISTS ({Waits} AND mine.operation_id = w.operation_id))
            RETURNING operation_id
            """, Values(resources))).Distinct().ToArray();
        var ready = new List<Ready>();
        foreach (var id in granted)
            ready.Add(new Ready(id, await connection.ExecuteScalarAsync<int>("UPDATE operations SET granted = TRUE WHERE id = @id RETURNING attempt", new { id }), null));
        return ready;
    }

    /// <summary>Gives an ended operation's locks back, and grants them to whoever waits; returns who may start now.</summary>
    public static async Task<IReadOnlyList<Ready>> ReleaseAsync(DbConnection connection, Guid id)
    {
        var freed = (await connection.QueryAsync<string>("DELETE FROM operation_locks WHERE operation_id = @id RETURNING resource", new { id })).ToArray();
        return await GrantAsync(connection, freed);
    }

    /// <summary>The operation that stands in the way of <paramref name="id"/>, or null.</summary>
    public static Task<Guid?> BlockerAsync(DbConnection connection, Guid id) =>
        connection.QueryFirstOrDefaultAsync<Guid?>($"SELECT blocker FROM ({Waits} AND mine.operation_id = @id) w LIMIT 1", new { id });

    /// <summary>Whether a part would wait for something that waits for one of its own ancestors: parents end after their parts, so neither would ever go on.</summary>
    public static async Task<bool> DeadlocksAsync(DbConnection connection, Guid part, string path)
    {
        var ancestors = path.Split('/')[..^1].Select(Guid.Parse).ToHashSet();
        var waits = (await connection.QueryAsync<(Guid Waiter, Guid Blocker)>($"""
            {Waits} AND NOT mine.granted
            UNION ALL
            SELECT parent_id, id FROM operations WHERE parent_id IS NOT NULL AND state IN ('queued', 'running')
            """)).ToLookup(w => w.Waiter, w => w.Blocker);
        var seen = new HashSet<Guid>();
        var open = new Stack<Guid>([part]);
        while (open.TryPop(out var at))
        {
            if (ancestors.Contains(at)) return true;
            if (seen.Add(at)) foreach (var next in waits[at]) open.Push(next);
        }
        return false;
    }

    /// <summary>One lock a resource: exclusive wins.</summary>
    private static IEnumerable<ResourceLock> Strongest(IReadOnlyList<ResourceLock> locks) =>
        locks.GroupBy(l => l.Resource, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new ResourceLock(g.Key, g.Max(l => l.Mode)));

    private static string Names(IReadOnlyCollection<string> resources) => string.Join(", ", resources.Select((_, i) => $"@r{i}"));

    private static DynamicParameters Values(IReadOnlyCollection<string>? resources)
    {
        var values = new DynamicParameters();
        foreach (var (i, resource) in (resources ?? []).Index()) values.Add($"r{i}", resource);
        return values;
    }
}
