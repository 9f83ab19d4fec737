using System.Data.Common;
using System.Text;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>The table <c>worker_objects</c>. An object changes in one step: readers have the old one or the new one, and its parts stay until they are done.</summary>
internal sealed class BucketIndex(Db db, TimeProvider time)
{
    /// <summary>How long the parts of what was replaced or deleted stay for who is reading them.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    private const string Columns = "name, version, bytes, etag, checksums, http, custom, parts, uploaded_at";

    public async Task<BucketObject?> FindAsync(Guid bucket, string key, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await FindAsync(connection, bucket, Encoding.UTF8.GetBytes(key));
    }

    /// <summary>Objects in the order of their keys' bytes.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="from">The first key that may be listed.</param>
    /// <param name="end">The first that may not; null for no end.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<BucketObject>> ListAsync(Guid bucket, byte[] from, byte[]? end, int limit, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<ObjectRow>(new CommandDefinition(
            $"SELECT {Columns} FROM worker_objects WHERE bucket = @bucket AND name >= @from {(end is null ? "" : "AND name < @end")} ORDER BY name LIMIT @limit", new { bucket, from, end, limit }, cancellationToken: cancellation))).Select(BucketObject.Of)];
    }

    /// <summary>Puts an object that has been written in place, if the condition holds at this moment.</summary>
    /// <returns>False when it does not; what was written is removed later. Conflict when the bucket is full or gone.</returns>
    public Task<Result<bool>> PutAsync(BucketRow bucket, BucketObject made, BucketCondition? condition, Guid? upload, CancellationToken cancellation) => db.TransactionAsync<Result<bool>>(async connection =>
    {
        // Changes of one bucket come one after the other: conditions and the limit are exact.
        if (await connection.QuerySingleOrDefaultAsync<Room>($"SELECT used_bytes, limit_bytes FROM worker_buckets WHERE id = @Id {db.Dialect.ForUpdate}", new { bucket.Id }) is not { } room) return Problem.NotFound("bucket", bucket.Name);
        var name = Encoding.UTF8.GetBytes(made.Key);
        var before = await FindAsync(connection, bucket.Id, name);
        if (condition?.Holds(before) == false) return false;
        var grown = made.Bytes - (before?.Bytes ?? 0);
        if (grown > 0 && room.LimitBytes is { } limit && room.UsedBytes + grown > limit) return Problem.Conflict("The bucket is full", $"The bucket '{bucket.Name}' may hold {limit} bytes. Delete objects, or raise its limit.");
        // Written parts wait among the waste: who finds them gone took longer than anything may take.
        var parts = made.Parts.Where(p => p.Bytes > 0).Select(p => p.Id).ToArray();
        if (upload is null && parts.Length > 0 && await connection.ExecuteAsync("DELETE FROM worker_waste WHERE part IN @parts AND NOT condemned", new { parts }) != parts.Length) return Problem.Conflict("The upload took too long", "What was written of it was removed meanwhile. Send it again.");
        if (upload is { } done && await connection.ExecuteAsync("DELETE FROM worker_uploads WHERE id = @done", new { done }) == 0) return Problem.NotFound("upload", done);
        if (before is not null) await WasteAsync(connection, bucket, before.Parts);
        await connection.ExecuteAsync($"""
            INSERT INTO worker_objects (bucket, {Columns}) VALUES (@bucket, @name, @Version, @Bytes, @Etag, @checksums, @http, @custom, @stored, @UploadedAt)
            ON CONFLICT (bucket, name) DO UPDATE SET version = excluded.version, bytes = excluded.bytes, etag = excluded.etag, checksums = excluded.checksums, http = excluded.http, custom = excluded.custom, parts = excluded.parts, uploaded_at = excluded.uploaded_at
            """, new
        {
            bucket = bucket.Id, name, made.Version, made.Bytes, made.Etag, checksums = StoredJson.Write(made.Checksums), http = StoredJson.Write(made.Http), custom = StoredJson.Write(made.Custom), stored = StoredJson.Write(made.Parts), made.UploadedAt,
        });
        await connection.ExecuteAsync("UPDATE worker_buckets SET used_bytes = used_bytes + @grown, objects = objects + @more WHERE id = @Id", new { bucket.Id, grown, more = before is null ? 1 : 0 });
        return true;
    }, cancellation);

    /// <summary>Deletes objects; those that are not there are passed over.</summary>
    public Task DeleteAsync(BucketRow bucket, IReadOnlyList<string> keys, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteScalarAsync<string?>($"SELECT id FROM worker_buckets WHERE id = @Id {db.Dialect.ForUpdate}", new { bucket.Id });
        var (freed, gone) = (0L, 0);
        foreach (var name in keys.Distinct().Select(Encoding.UTF8.GetBytes))
        {
            if (await FindAsync(connection, bucket.Id, name) is not { } found) continue;
            await WasteAsync(connection, bucket, found.Parts);
            await connection.ExecuteAsync("DELETE FROM worker_objects WHERE bucket = @Id AND name = @name", new { bucket.Id, name });
            (freed, gone) = (freed + found.Bytes, gone + 1);
        }
        if (gone > 0) await connection.ExecuteAsync("UPDATE worker_buckets SET used_bytes = used_bytes - @freed, objects = objects - @gone WHERE id = @Id", new { bucket.Id, freed, gone });
    }, cancellation);

    private Task WasteAsync(DbConnection connection, BucketRow bucket, IReadOnlyList<ObjectPart> parts) => connection.ExecuteAsync(
        "INSERT INTO worker_waste (part, bucket, repository_id, due_at) VALUES (@part, @bucket, @repository, @due) ON CONFLICT (part) DO NOTHING",
        parts.Where(p => p.Bytes > 0).Select(p => new { part = p.Id, bucket = bucket.Id, repository = bucket.RepositoryId, due = time.GetUtcNow() + Grace }));

    private static async Task<BucketObject?> FindAsync(DbConnection connection, Guid bucket, byte[] name) =>
        await connection.QuerySingleOrDefaultAsync<ObjectRow>($"SELECT {Columns} FROM worker_objects WHERE bucket = @bucket AND name = @name", new { bucket, name }) is { } row ? BucketObject.Of(row) : null;

    private sealed record Room(long UsedBytes, long? LimitBytes);
}
