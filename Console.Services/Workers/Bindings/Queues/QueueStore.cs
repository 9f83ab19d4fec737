using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>The table <c>worker_queues</c>, with figures of what they hold.</summary>
internal sealed class QueueStore(Db db, TimeProvider time)
{
    public const int UsualRetention = 4 * 86_400;

    private const string Columns = """
        q.name, q.paused, q.delay_seconds, q.retention_seconds, q.created_at,
        (SELECT COUNT(*) FROM worker_messages m WHERE m.queue = q.name) AS messages,
        (SELECT COALESCE(SUM(m.bytes), 0) FROM worker_messages m WHERE m.queue = q.name) AS bytes,
        (SELECT MIN(m.sent_at) FROM worker_messages m WHERE m.queue = q.name) AS oldest_at,
        (SELECT COUNT(*) FROM worker_messages m WHERE m.queue = q.name AND m.due_at > @now AND m.lease IS NOT NULL) AS in_flight,
        (SELECT COUNT(*) FROM worker_messages m WHERE m.queue = q.name AND m.due_at > @now AND m.lease IS NULL) AS delayed,
        (SELECT COUNT(*) FROM worker_messages m WHERE m.queue = q.name AND m.failure IS NOT NULL AND m.attempts > 0) AS failed
        """;

    /// <summary>Makes queues unless they are there; inside another transaction.</summary>
    public static async Task EnsureAsync(DbConnection connection, IReadOnlyList<string> names, DateTimeOffset now)
    {
        foreach (var name in names.Order(StringComparer.Ordinal))
            await connection.ExecuteAsync("""
                INSERT INTO worker_queues (name, paused, delay_seconds, retention_seconds, created_at, changed_at) VALUES (@name, @no, 0, @UsualRetention, @now, @now) ON CONFLICT (name) DO NOTHING
                """, new { name, no = false, UsualRetention, now });
    }

    public async Task<Page<QueueRow>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("q.name", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset, now = time.GetUtcNow() };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM worker_queues q {where}", values, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<QueueRow>(new CommandDefinition(
            $"SELECT {Columns} FROM worker_queues q {where} ORDER BY q.name {(page.Sort is ['-', ..] ? "DESC" : "ASC")} LIMIT @size OFFSET @offset", values, cancellationToken: cancellation));
        return new Page<QueueRow>([.. rows], total, page.Number, page.Size);
    }

    public async Task<QueueRow?> FindAsync(string name, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<QueueRow>(new CommandDefinition($"SELECT {Columns} FROM worker_queues q WHERE q.name = @name", new { name, now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>Makes a queue or changes its settings; what is null stays, or has its default.</summary>
    public Task PutAsync(string name, QueueSettings wanted, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        await EnsureAsync(connection, [name], now);
        await connection.ExecuteAsync("""
            UPDATE worker_queues SET paused = COALESCE(@Paused, paused), delay_seconds = COALESCE(@DelaySeconds, delay_seconds), retention_seconds = COALESCE(@RetentionSeconds, retention_seconds), changed_at = @now WHERE name = @name
            """, new { name, now, wanted.Paused, wanted.DelaySeconds, wanted.RetentionSeconds });
        await alongside(connection);
    }, cancellation);

    /// <summary>Removes a queue's messages, and the queue itself when asked to; answers how many messages there were.</summary>
    public Task<int> EmptyAsync(string name, bool remove, Func<DbConnection, int, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var gone = await connection.ExecuteAsync("DELETE FROM worker_messages WHERE queue = @name", new { name });
        if (remove) await connection.ExecuteAsync("DELETE FROM worker_queues WHERE name = @name", new { name });
        await alongside(connection, gone);
        return gone;
    }, cancellation);

    /// <summary>The messages whose turn comes first.</summary>
    public async Task<IReadOnlyList<MessageRow>> MessagesAsync(string queue, int most, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<MessageRow>(new CommandDefinition("""
            SELECT id, content_type, body, bytes, sent_at, due_at, attempts, lease, failure, origin FROM worker_messages WHERE queue = @queue ORDER BY due_at, id LIMIT @most
            """, new { queue, most }, cancellationToken: cancellation))];
    }

    /// <summary>What a queue holds in bytes.</summary>
    public async Task<long> BytesAsync(string queue, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition("SELECT COALESCE(SUM(bytes), 0) FROM worker_messages WHERE queue = @queue", new { queue }, cancellationToken: cancellation));
    }
}

/// <summary>A row of <c>worker_queues</c>.</summary>
internal sealed record QueueRow(string Name, bool Paused, int DelaySeconds, int RetentionSeconds, DateTimeOffset CreatedAt, long Messages, long Bytes, DateTimeOffset? OldestAt, long InFlight, long Delayed, long Failed);

/// <summary>A row of <c>worker_messages</c>.</summary>
internal sealed record MessageRow(Guid Id, string ContentType, byte[] Body, int Bytes, DateTimeOffset SentAt, DateTimeOffset DueAt, int Attempts, string? Lease, string? Failure, string? Origin);
