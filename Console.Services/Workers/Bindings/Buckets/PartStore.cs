using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Quarterdeck.Repositories;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>What was written of a body.</summary>
/// <param name="Part">Where it lies.</param>
/// <param name="Hashes">Hexadecimal, by algorithm; always with <c>md5</c>.</param>
internal sealed record WrittenPart(ObjectPart Part, IReadOnlyDictionary<string, string> Hashes);

/// <summary>Bodies as they lie in repositories: cut into segments, of which one is in memory at a time, however large the body.</summary>
internal sealed class PartStore(RepositoryObjectPlaces places, UploadIndex uploads) : IAsyncDisposable
{
    /// <summary>Bytes of a segment: what reading a single byte costs at least, and what an upload holds in memory.</summary>
    public const int SegmentBytes = 2 << 20;

    /// <summary>Most bytes of one body.</summary>
    public const long MostBody = 5L << 30;

    private readonly ConcurrentDictionary<Guid, Lazy<Task<RepositoryObjects>>> _open = new();

    /// <summary>Writes a body; it belongs to nothing yet, and is removed later unless an object or upload takes it.</summary>
    /// <returns>Null when it is longer than allowed.</returns>
    /// <exception cref="RepositoryException">The repository does not take it.</exception>
    public async Task<WrittenPart?> WriteAsync(BucketRow bucket, Stream body, IReadOnlyCollection<string> hashes, CancellationToken cancellation)
    {
        var part = Guid.CreateVersion7();
        await uploads.BeginPartAsync(bucket, part, cancellation);
        var running = hashes.Append("md5").Distinct().ToDictionary(h => h, Hash);
        try
        {
            var segment = new byte[SegmentBytes];
            long bytes = 0;
            for (var number = 0; ; number++)
            {
                var filled = await body.ReadAtLeastAsync(segment, SegmentBytes, throwOnEndOfStream: false, cancellation);
                if (filled == 0) break;
                if ((bytes += filled) > MostBody)
                {
                    await uploads.DropPartAsync(part, CancellationToken.None);
                    return null;
                }
                foreach (var hash in running.Values) hash.AppendData(segment.AsSpan(0, filled));
                await UseAsync(bucket, o => o.WriteAsync(Name(bucket.Id, part, number), segment.AsMemory(0, filled), cancellation));
                if (filled < SegmentBytes) break;
            }
            if (bytes == 0) await uploads.RemovedAsync(part, null, cancellation);
            return new WrittenPart(new ObjectPart(part, bytes), running.ToDictionary(h => h.Key, h => Convert.ToHexStringLower(h.Value.GetHashAndReset())));
        }
        catch
        {
            await DropQuietlyAsync(part);
            throw;
        }
        finally
        {
            foreach (var hash in running.Values) hash.Dispose();
        }
    }

    /// <summary>Gives up what was written.</summary>
    public Task DropAsync(ObjectPart part) => part.Bytes == 0 ? Task.CompletedTask : DropQuietlyAsync(part.Id);

    /// <summary>Opens a range of an object.</summary>
    public Stream Read(BucketRow bucket, IReadOnlyList<ObjectPart> parts, long offset, long length) => new PartsStream(this, bucket, parts, offset, length);

    /// <summary>One segment.</summary>
    /// <exception cref="RepositoryException">It is missing, altered, or the repository is away.</exception>
    public async Task<byte[]> SegmentAsync(BucketRow bucket, Guid part, long number, CancellationToken cancellation)
    {
        var name = Name(bucket.Id, part, number);
        return await UseAsync(bucket, o => o.ReadAsync(name, cancellation)) ?? throw new RepositoryException(RepositoryFault.Damaged, $"objects/{name} is missing. Restore it, or put the object anew.");
    }

    /// <summary>Removes a part from its repository.</summary>
    public Task RemoveAsync(WasteRow waste, CancellationToken cancellation) => UseAsync(waste.RepositoryId, o => o.RemoveFolderAsync($"{waste.Bucket:N}/{waste.Part:N}", cancellation));

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _open.Values)
        {
            try { await (await one.Value).DisposeAsync(); }
            catch (RepositoryException) { } // it never opened
        }
    }

    private static string Name(Guid bucket, Guid part, long number) => $"{bucket:N}/{part:N}/{number.ToString("D6", CultureInfo.InvariantCulture)}";

    private Task<T> UseAsync<T>(BucketRow bucket, Func<RepositoryObjects, Task<T>> work) => UseAsync(bucket.RepositoryId, work);

    private Task UseAsync(BucketRow bucket, Func<RepositoryObjects, Task> work) => UseAsync(bucket.RepositoryId, async o =>
    {
        await work(o);
        return true;
    });

    private async Task<T> UseAsync<T>(Guid repository, Func<RepositoryObjects, Task<T>> work)
    {
        // Opened once and kept: reading its configuration each time would double every read of a small object.
        var opening = _open.GetOrAdd(repository, id => new Lazy<Task<RepositoryObjects>>(() => places.OpenAsync(id, CancellationToken.None)));
        try { return await work(await opening.Value); }
        catch (RepositoryException)
        {
            // Its disk may have been changed, or its key: the next call opens it anew.
            _open.TryRemove(new KeyValuePair<Guid, Lazy<Task<RepositoryObjects>>>(repository, opening));
            throw;
        }
    }

    private async Task DropQuietlyAsync(Guid part)
    {
        try { await uploads.DropPartAsync(part, CancellationToken.None); }
        catch (Exception e) when (e is System.Data.Common.DbException or Quarterdeck.Database.DatabaseUnavailableException) { } // it goes by itself, a day later
    }

    private static IncrementalHash Hash(string name) => IncrementalHash.CreateHash(name switch
    {
        "md5" => HashAlgorithmName.MD5, "sha1" => HashAlgorithmName.SHA1, "sha256" => HashAlgorithmName.SHA256, "sha384" => HashAlgorithmName.SHA384, "sha512" => HashAlgorithmName.SHA512,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "There is no such checksum."),
    });
}
