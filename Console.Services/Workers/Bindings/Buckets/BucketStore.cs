using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>The table <c>worker_buckets</c>.</summary>
internal sealed class BucketStore(Db db, TimeProvider time)
{
    private const string Columns = "name, id, repository_id, limit_bytes, used_bytes, objects, created_at";

    public async Task<Page<BucketRow>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("name", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM worker_buckets {where}", values, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<BucketRow>(new CommandDefinition(
            $"SELECT {Columns} FROM worker_buckets {where} ORDER BY name {(page.Sort is ['-', ..] ? "DESC" : "ASC")} LIMIT @size OFFSET @offset", values, cancellationToken: cancellation));
        return new Page<BucketRow>([.. rows], total, page.Number, page.Size);
    }

    public async Task<BucketRow?> FindAsync(string name, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<BucketRow>(new CommandDefinition($"SELECT {Columns} FROM worker_buckets WHERE name = @name", new { name }, cancellationToken: cancellation));
    }

    /// <summary>Those of some names that there are.</summary>
    public async Task<IReadOnlySet<string>> KnownAsync(IReadOnlyList<string> names, CancellationToken cancellation)
    {
        if (names.Count == 0) return new HashSet<string>();
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<string>(new CommandDefinition("SELECT name FROM worker_buckets WHERE name IN @names", new { names }, cancellationToken: cancellation))).ToHashSet();
    }

    /// <summary>Names of the buckets in a repository.</summary>
    public async Task<IReadOnlyList<string>> InAsync(Guid repository, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<string>(new CommandDefinition("SELECT name FROM worker_buckets WHERE repository_id = @repository ORDER BY name", new { repository }, cancellationToken: cancellation))];
    }

    /// <summary>Makes a bucket, or sets its limit; where it lies never changes.</summary>
    public Task PutAsync(string name, Guid repository, long? limit, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        await connection.ExecuteAsync("""
            INSERT INTO worker_buckets (name, id, repository_id, limit_bytes, used_bytes, objects, created_at) VALUES (@name, @id, @repository, @limit, 0, 0, @now)
            ON CONFLICT (name) DO UPDATE SET limit_bytes = excluded.limit_bytes
            """, new { name, id = Guid.CreateVersion7(now), repository, limit, now });
        await alongside(connection);
    }, cancellation);

    /// <summary>Deletes a bucket that holds nothing; false when it does. What uploads under way have written goes with them.</summary>
    public Task<bool> DeleteAsync(BucketRow bucket, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        await connection.ExecuteScalarAsync<string?>($"SELECT id FROM worker_buckets WHERE id = @Id {db.Dialect.ForUpdate}", new { bucket.Id });
        if (await connection.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM worker_objects WHERE bucket = @Id", new { bucket.Id }) > 0) return false;
        await connection.ExecuteAsync("""
            INSERT INTO worker_waste (part, bucket, repository_id, due_at)
            SELECT p.part, u.bucket, @RepositoryId, @now FROM worker_upload_parts p JOIN worker_uploads u ON u.id = p.upload WHERE u.bucket = @Id
            """, new { bucket.Id, bucket.RepositoryId, now });
        await connection.ExecuteAsync("DELETE FROM worker_uploads WHERE bucket = @Id", new { bucket.Id });
        await connection.ExecuteAsync("DELETE FROM worker_buckets WHERE id = @Id", new { bucket.Id });
        await alongside(connection);
        return true;
    }, cancellation);
}
