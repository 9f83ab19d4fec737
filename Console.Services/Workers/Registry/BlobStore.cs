using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Registry;

/// <summary>The table <c>worker_blobs</c>: bytes by their digest.</summary>
internal sealed class BlobStore(Db db, TimeProvider time)
{
    /// <summary>How long what nothing refers to stays: longer than any upload takes from its first file to its version.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    // Together with other writers' turns well below the time that SQLite lets them wait.
    private const long MostAtOnce = 8 << 20;

    /// <summary>Stores what is not there yet. Each batch commits by itself: a large upload must not hold the database.</summary>
    public async Task PutAsync(IEnumerable<(string Digest, ReadOnlyMemory<byte> Content)> blobs, CancellationToken cancellation)
    {
        var batch = new List<(string Digest, ReadOnlyMemory<byte> Content)>();
        long bytes = 0;
        // In one order everywhere, so that two uploads of the same files never wait for each other in a circle.
        foreach (var blob in blobs.DistinctBy(b => b.Digest).OrderBy(b => b.Digest, StringComparer.Ordinal))
        {
            if (batch.Count > 0 && bytes + blob.Content.Length > MostAtOnce) await WriteAsync();
            batch.Add(blob);
            bytes += blob.Content.Length;
        }
        if (batch.Count > 0) await WriteAsync();

        async Task WriteAsync()
        {
            var now = time.GetUtcNow();
            await db.TransactionAsync(async connection =>
            {
                foreach (var (digest, content) in batch)
                {
                    if (await connection.ExecuteAsync("UPDATE worker_blobs SET touched_at = @now WHERE digest = @digest", new { now, digest }) == 1) continue;
                    await connection.ExecuteAsync("""
                        INSERT INTO worker_blobs (digest, bytes, content, touched_at) VALUES (@digest, @bytes, @content, @now)
                        ON CONFLICT (digest) DO UPDATE SET touched_at = excluded.touched_at
                        """, new { digest, bytes = (long)content.Length, content = content.ToArray(), now });
                }
            }, cancellation);
            batch.Clear();
            bytes = 0;
        }
    }

    public async Task<ReadOnlyMemory<byte>?> FindAsync(string digest, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<byte[]?>(new CommandDefinition("SELECT content FROM worker_blobs WHERE digest = @digest", new { digest }, cancellationToken: cancellation)) is { } content
            ? content : default(ReadOnlyMemory<byte>?);
    }

    /// <summary>Removes what nothing refers to since a while; answers how many.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellation)
    {
        var before = time.GetUtcNow() - Grace;
        await using var connection = await db.OpenAsync(cancellation);
        // An upload that touches a row meanwhile makes PostgreSQL look at the condition again.
        return await connection.ExecuteAsync(new CommandDefinition("""
            DELETE FROM worker_blobs WHERE touched_at < @before
                AND NOT EXISTS (SELECT 1 FROM worker_modules m WHERE m.digest = worker_blobs.digest) AND NOT EXISTS (SELECT 1 FROM worker_assets a WHERE a.digest = worker_blobs.digest)
            """, new { before }, cancellationToken: cancellation));
    }
}
