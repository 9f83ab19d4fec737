using System.Data.Common;
using System.Text;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>An upload in parts that was begun.</summary>
internal sealed record UploadRow(Guid Id, byte[] Name, string Http, string Custom);

/// <summary>A part that was sent.</summary>
internal sealed record UploadPartRow(int Number, Guid Part, long Bytes, string Etag);

/// <summary>The tables <c>worker_uploads</c> and <c>worker_upload_parts</c>, and <c>worker_waste</c> for what is written and not yet, or no more, referred to.</summary>
internal sealed class UploadIndex(Db db, TimeProvider time)
{
    /// <summary>How long an upload in parts may stay unfinished.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    private static readonly TimeSpan Writing = TimeSpan.FromDays(1);

    /// <summary>Notes a part before anything of it is written: whatever dies meanwhile, it is found and removed.</summary>
    public async Task BeginPartAsync(BucketRow bucket, Guid part, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("INSERT INTO worker_waste (part, bucket, repository_id, due_at) VALUES (@part, @Id, @RepositoryId, @due)",
            new { part, bucket.Id, bucket.RepositoryId, due = time.GetUtcNow() + Writing }, cancellationToken: cancellation));
    }

    /// <summary>Gives a part up.</summary>
    public async Task DropPartAsync(Guid part, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE worker_waste SET due_at = @now WHERE part = @part", new { part, now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    public async Task<Guid> BeginAsync(BucketRow bucket, string key, ObjectHttp http, IReadOnlyDictionary<string, string> custom, CancellationToken cancellation)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("INSERT INTO worker_uploads (id, bucket, name, http, custom, created_at) VALUES (@id, @owner, @name, @http, @custom, @now)",
            new { id, owner = bucket.Id, name = Encoding.UTF8.GetBytes(key), http = StoredJson.Write(http), custom = StoredJson.Write(custom), now = time.GetUtcNow() }, cancellationToken: cancellation));
        return id;
    }

    /// <summary>The upload with its parts in order; null when there is none, for this key.</summary>
    public async Task<(UploadRow Upload, IReadOnlyList<UploadPartRow> Parts)?> FindAsync(Guid bucket, string key, Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        if (await connection.QuerySingleOrDefaultAsync<UploadRow>(new CommandDefinition("SELECT id, name, http, custom FROM worker_uploads WHERE id = @id AND bucket = @bucket AND name = @name",
            new { id, bucket, name = Encoding.UTF8.GetBytes(key) }, cancellationToken: cancellation)) is not { } upload) return null;
        return (upload, [.. await connection.QueryAsync<UploadPartRow>(new CommandDefinition("SELECT number, part, bytes, etag FROM worker_upload_parts WHERE upload = @id ORDER BY number", new { id }, cancellationToken: cancellation))]);
    }

    /// <summary>Notes a part that was written, in place of an earlier one of its number; false when the upload is gone.</summary>
    public Task<bool> PartAsync(BucketRow bucket, Guid upload, UploadPartRow part, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        if (await connection.ExecuteScalarAsync<string?>($"SELECT id FROM worker_uploads WHERE id = @upload {db.Dialect.ForUpdate}", new { upload }) is null) return false;
        if (part.Bytes > 0 && await connection.ExecuteAsync("DELETE FROM worker_waste WHERE part = @Part AND NOT condemned", new { part.Part }) == 0) return false;
        await DropAsync(connection, bucket, "p.upload = @upload AND p.number = @Number AND p.bytes > 0", new { upload, part.Number, bucket.Id, bucket.RepositoryId, now = time.GetUtcNow() });
        await connection.ExecuteAsync("""
            INSERT INTO worker_upload_parts (upload, number, part, bytes, etag) VALUES (@upload, @Number, @Part, @Bytes, @Etag)
            ON CONFLICT (upload, number) DO UPDATE SET part = excluded.part, bytes = excluded.bytes, etag = excluded.etag
            """, new { upload, part.Number, part.Part, part.Bytes, part.Etag });
        return true;
    }, cancellation);

    /// <summary>Gives an upload up with what was sent of it.</summary>
    public Task AbortAsync(BucketRow bucket, Guid upload, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await DropAsync(connection, bucket, "p.upload = @upload AND p.bytes > 0", new { upload, bucket.Id, bucket.RepositoryId, now = time.GetUtcNow() });
        await connection.ExecuteAsync("DELETE FROM worker_uploads WHERE id = @upload", new { upload });
    }, cancellation);

    /// <summary>Gives parts of an upload up that the object made of it does not have.</summary>
    public Task LeaveOutAsync(BucketRow bucket, Guid upload, IReadOnlyList<int> numbers, CancellationToken cancellation) => numbers.Count == 0 ? Task.CompletedTask : db.TransactionAsync(async connection =>
    {
        await DropAsync(connection, bucket, "p.upload = @upload AND p.number IN @numbers AND p.bytes > 0", new { upload, numbers, bucket.Id, bucket.RepositoryId, now = time.GetUtcNow() });
        await connection.ExecuteAsync("DELETE FROM worker_upload_parts WHERE upload = @upload AND number IN @numbers", new { upload, numbers });
    }, cancellation);

    /// <summary>Gives up what was begun too long ago; answers how many.</summary>
    public Task<int> ExpireAsync(CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        await connection.ExecuteAsync("""
            INSERT INTO worker_waste (part, bucket, repository_id, due_at) SELECT p.part, u.bucket, b.repository_id, @now
            FROM worker_upload_parts p JOIN worker_uploads u ON u.id = p.upload JOIN worker_buckets b ON b.id = u.bucket WHERE u.created_at < @before AND p.bytes > 0 ON CONFLICT (part) DO NOTHING
            """, new { now, before = now - Longest });
        return await connection.ExecuteAsync("DELETE FROM worker_uploads WHERE created_at < @before", new { before = now - Longest });
    }, cancellation);

    /// <summary>Parts whose time has come; no object may have them from now on.</summary>
    public Task<IReadOnlyList<WasteRow>> CondemnAsync(int most, CancellationToken cancellation) => db.TransactionAsync<IReadOnlyList<WasteRow>>(async connection =>
    [
        .. await connection.QueryAsync<WasteRow>("""
            UPDATE worker_waste SET condemned = @yes WHERE part IN (SELECT part FROM worker_waste WHERE due_at <= @now ORDER BY due_at LIMIT @most) RETURNING part, bucket, repository_id
            """, new { yes = true, now = time.GetUtcNow(), most }),
    ], cancellation);

    /// <summary>A part is gone, or could not be removed and is tried again later.</summary>
    public async Task RemovedAsync(Guid part, TimeSpan? later, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(later is null ? "DELETE FROM worker_waste WHERE part = @part" : "UPDATE worker_waste SET due_at = @due WHERE part = @part",
            new { part, due = time.GetUtcNow() + (later ?? default) }, cancellationToken: cancellation));
    }

    private static Task DropAsync(DbConnection connection, BucketRow bucket, string which, object values) => connection.ExecuteAsync(
        $"INSERT INTO worker_waste (part, bucket, repository_id, due_at) SELECT p.part, @Id, @RepositoryId, @now FROM worker_upload_parts p WHERE {which} ON CONFLICT (part) DO NOTHING", values);
}

/// <summary>A row of <c>worker_waste</c>.</summary>
internal sealed record WasteRow(Guid Part, Guid Bucket, Guid RepositoryId);
