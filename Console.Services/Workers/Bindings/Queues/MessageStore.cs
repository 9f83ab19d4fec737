using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>The table <c>worker_messages</c>: who has a message holds a lease of it, and only the holder of the newest lease decides what becomes of it.</summary>
internal sealed class MessageStore(Db db, TimeProvider time)
{
    /// <summary>How long a call has its messages without renewing: so long other nodes wait after one died.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(90);

    /// <summary>Most bytes of one batch; a single message may have fewer anyway.</summary>
    public const int MostBatch = 256 << 10;

    /// <summary>Stores messages; false when there is no such queue.</summary>
    public Task<bool> SendAsync(string queue, IReadOnlyList<NewMessage> messages, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        if (await connection.QuerySingleOrDefaultAsync<int?>("SELECT delay_seconds FROM worker_queues WHERE name = @queue", new { queue }) is not { } delay) return false;
        var now = time.GetUtcNow();
        // A microsecond apart, the last one now: what was sent together is handed out in its order.
        await connection.ExecuteAsync("""
            INSERT INTO worker_messages (id, queue, content_type, body, bytes, sent_at, due_at, attempts) VALUES (@id, @queue, @ContentType, @Body, @bytes, @sent, @due, 0)
            """, messages.Select((m, i) => new
        {
            id = Guid.CreateVersion7(now), queue, m.ContentType, m.Body, bytes = m.Body.Length, sent = now.AddMicroseconds(i + 1 - messages.Count), due = now.AddMicroseconds(i + 1 - messages.Count).AddSeconds(m.DelaySeconds ?? delay),
        }));
        return true;
    }, cancellation);

    /// <summary>Of queues that are not paused and hold something: when their oldest message is due.</summary>
    public async Task<IReadOnlyList<QueueTurn>> TurnsAsync(IReadOnlyList<string> queues, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<Turn>(new CommandDefinition("""
            SELECT q.name, (SELECT MIN(m.due_at) FROM worker_messages m WHERE m.queue = q.name) AS due_at FROM worker_queues q WHERE q.name IN @queues AND NOT q.paused
            """, new { queues }, cancellationToken: cancellation));
        return [.. rows.Where(r => r.DueAt is not null).Select(r => new QueueTurn(r.Name, r.DueAt!.Value))];
    }

    /// <summary>Takes a batch for one call; null when none is ready, or enough calls are under way.</summary>
    public Task<MessageBatch?> TakeAsync(QueueConsumer consumer, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var (queue, now) = (consumer.Queue, time.GetUtcNow());
        // The row is held until the commit: of two nodes one counts the calls under way, and a pause holds from its commit on.
        if (await connection.QuerySingleOrDefaultAsync<bool?>($"SELECT paused FROM worker_queues WHERE name = @queue {db.Dialect.ForUpdate}", new { queue }) is not false) return null;
        if (await connection.ExecuteScalarAsync<int>("SELECT COUNT(DISTINCT lease) FROM worker_messages WHERE queue = @queue AND lease IS NOT NULL AND due_at > @now", new { queue, now }) >= consumer.Calls) return null;
        // Attempts that ended with their node were never settled.
        await BuryAsync(connection, consumer, now, "queue = @queue AND due_at <= @now AND attempts > @retries", new { queue, now, retries = consumer.MaxRetries, dead = consumer.DeadLetterQueue, failure = "lost" });
        var ready = (await connection.QueryAsync<Ready>("SELECT id, bytes, due_at FROM worker_messages WHERE queue = @queue AND due_at <= @now ORDER BY due_at, sent_at, id LIMIT @size", new { queue, now, size = consumer.MaxBatchSize })).AsList();
        if (ready.Count == 0 || ready.Count < consumer.MaxBatchSize && ready[0].DueAt.AddSeconds(consumer.MaxBatchTimeoutSeconds) > now) return null;
        var bytes = 0;
        var ids = ready.TakeWhile((r, i) => (bytes += r.Bytes) <= MostBatch || i == 0).Select(r => r.Id).ToArray();
        var lease = Guid.CreateVersion7(now).ToString("N");
        var taken = await connection.QueryAsync<TakenMessage>("""
            UPDATE worker_messages SET lease = @lease, due_at = @until, attempts = attempts + 1 WHERE id IN @ids RETURNING id, content_type, body, sent_at, attempts
            """, new { lease, until = now + Lease, ids });
        var order = ids.Index().ToDictionary(i => i.Item, i => i.Index);
        return new MessageBatch(queue, lease, [.. taken.OrderBy(t => order[t.Id])]);
    }, cancellation);

    /// <summary>Keeps a call's messages for it; false when it has none any more.</summary>
    public async Task<bool> RenewAsync(string lease, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition("UPDATE worker_messages SET due_at = @until WHERE lease = @lease", new { lease, until = time.GetUtcNow() + Lease }, cancellationToken: cancellation)) > 0;
    }

    /// <summary>Gives messages back that no handler saw: the attempt does not count.</summary>
    public async Task ReturnAsync(string lease, TimeSpan pause, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE worker_messages SET lease = NULL, attempts = attempts - 1, due_at = @due WHERE lease = @lease", new { lease, due = time.GetUtcNow() + pause }, cancellationToken: cancellation));
    }

    /// <summary>Gives back what a process that is known to have ended held, after a start of the only node that there can be.</summary>
    public async Task ReturnAllAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE worker_messages SET lease = NULL, due_at = @now WHERE lease IS NOT NULL", new { now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>Does what the handler said; what it has lost meanwhile stays as it is.</summary>
    public Task SettleAsync(QueueConsumer consumer, MessageBatch batch, QueueVerdict verdict, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        var retried = verdict.Retried.ToDictionary(r => r.Id, r => r.DelaySeconds);
        var acknowledged = verdict.Acknowledged.ToHashSet();
        if (verdict.RetryAll)
            foreach (var message in batch.Messages.Where(m => !acknowledged.Contains(m.Id))) retried.TryAdd(message.Id, verdict.DelaySeconds);
        var done = batch.Messages.Where(m => !retried.ContainsKey(m.Id)).Select(m => m.Id).ToArray();
        if (done.Length > 0) await connection.ExecuteAsync("DELETE FROM worker_messages WHERE lease = @Lease AND id IN @done", new { batch.Lease, done });
        if (retried.Count == 0) return;
        var failure = verdict.Outcome == "ok" ? "retry" : verdict.Outcome;
        await BuryAsync(connection, consumer, now, "lease = @Lease AND attempts > @retries AND id IN @ids", new { batch.Lease, now, retries = consumer.MaxRetries, dead = consumer.DeadLetterQueue, failure, ids = retried.Keys.ToArray() });
        foreach (var same in retried.GroupBy(r => r.Value ?? consumer.RetryDelaySeconds, r => r.Key))
            await connection.ExecuteAsync("UPDATE worker_messages SET lease = NULL, due_at = @due, failure = @failure WHERE lease = @Lease AND id IN @ids", new { batch.Lease, due = now.AddSeconds(same.Key), failure, ids = same.ToArray() });
    }, cancellation);

    /// <summary>Removes what is older than its queue keeps; answers how many.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition("""
            DELETE FROM worker_messages WHERE (lease IS NULL OR due_at < @now) AND sent_at < @now - (SELECT CAST(q.retention_seconds AS BIGINT) * 1000000 FROM worker_queues q WHERE q.name = worker_messages.queue)
            """, new { now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    private static async Task BuryAsync(DbConnection connection, QueueConsumer consumer, DateTimeOffset now, string which, object values)
    {
        if (consumer.DeadLetterQueue is not { } dead)
        {
            await connection.ExecuteAsync($"DELETE FROM worker_messages WHERE {which}", values);
            return;
        }
        if (await connection.ExecuteScalarAsync<int>($"SELECT COUNT(*) FROM worker_messages WHERE {which}", values) == 0) return;
        await QueueStore.EnsureAsync(connection, [dead], now);
        await connection.ExecuteAsync($"UPDATE worker_messages SET origin = queue, queue = @dead, lease = NULL, attempts = 0, due_at = @now, failure = @failure WHERE {which}", values);
    }

    private sealed record Turn(string Name, DateTimeOffset? DueAt);

    private sealed record Ready(Guid Id, int Bytes, DateTimeOffset DueAt);
}
