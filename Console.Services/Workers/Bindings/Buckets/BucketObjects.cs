using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>How an object is to be put.</summary>
internal sealed record PutOptions(ObjectHttp? Http = null, IReadOnlyDictionary<string, string>? Custom = null, IReadOnlyDictionary<string, string>? Checksums = null, BucketCondition? OnlyIf = null);

/// <summary>A part as whoever completes an upload names it.</summary>
internal sealed record CompletedPart(int PartNumber, string Etag);

/// <summary>A page of a bucket's keys.</summary>
/// <param name="Objects">Objects whose keys have no delimiter after the prefix.</param>
/// <param name="Folders">What the others have up to the delimiter, each once.</param>
/// <param name="Last">The last key or folder; null when nothing is left.</param>
internal sealed record ObjectPage(IReadOnlyList<BucketObject> Objects, IReadOnlyList<string> Folders, string? Last);

/// <summary>What workers and REST do with objects: content into the repository, then the row that makes it one.</summary>
internal sealed class BucketObjects(BucketIndex index, UploadIndex uploads, PartStore parts, TimeProvider time)
{
    public const int MostKey = 1024, MostMetadata = 8192, MostListed = 1000, MostParts = 10_000;
    public const long LeastPart = 5 << 20;
    private const int Batch = 500;

    public Task<BucketObject?> FindAsync(BucketRow bucket, string key, CancellationToken cancellation) => index.FindAsync(bucket.Id, key, cancellation);

    /// <summary>A range of an object's content.</summary>
    public Stream Open(BucketRow bucket, BucketObject found, long offset, long length) => parts.Read(bucket, found.Parts, offset, length);

    /// <summary>Puts an object; null when the condition did not hold. The body is read to its end in any case.</summary>
    public async Task<Result<BucketObject?>> PutAsync(BucketRow bucket, string key, Stream body, PutOptions options, CancellationToken cancellation)
    {
        if (Wrong(key, options.Custom) is { } wrong)
        {
            await body.CopyToAsync(Stream.Null, cancellation);
            return wrong;
        }
        if (options.OnlyIf is { } early && !early.Holds(await index.FindAsync(bucket.Id, key, cancellation)))
        {
            await body.CopyToAsync(Stream.Null, cancellation);
            return Result<BucketObject?>.From(null);
        }
        var wanted = options.Checksums ?? new Dictionary<string, string>();
        if (await parts.WriteAsync(bucket, body, [.. wanted.Keys], cancellation) is not { } written) return Problem.TooLarge($"An object may have at most {PartStore.MostBody} bytes in one piece. Upload it in parts.");
        foreach (var (name, hash) in wanted)
            if (written.Hashes[name] != hash)
            {
                await parts.DropAsync(written.Part);
                return Problem.Invalid("checksum", $"The {name} checksum you specified did not match what we received: {written.Hashes[name]}.", "Send it again.");
            }
        var made = new BucketObject
        {
            Key = key, Version = RandomNumberGenerator.GetHexString(32, lowercase: true), Bytes = written.Part.Bytes, Etag = written.Hashes["md5"], Checksums = written.Hashes, Http = options.Http ?? new ObjectHttp(),
            Custom = options.Custom ?? new Dictionary<string, string>(), Parts = [written.Part], UploadedAt = time.GetUtcNow(),
        };
        var put = await index.PutAsync(bucket, made, options.OnlyIf, null, cancellation);
        if (put.Ok && put.Value) return made;
        await parts.DropAsync(written.Part);
        return put.Problem is { } problem ? problem : Result<BucketObject?>.From(null);
    }

    public Task DeleteAsync(BucketRow bucket, IReadOnlyList<string> keys, CancellationToken cancellation) => index.DeleteAsync(bucket, keys, cancellation);

    /// <summary>Keys in order, with those below a delimiter told once as a folder.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="prefix">What keys begin with.</param>
    /// <param name="delimiter">What ends a folder; empty for none.</param>
    /// <param name="after">The key or folder after which to begin; empty for the first.</param>
    /// <param name="limit">At most so many of both, 1 to 1000.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<ObjectPage> ListAsync(BucketRow bucket, string prefix, string delimiter, string after, int limit, CancellationToken cancellation)
    {
        var end = After(Encoding.UTF8.GetBytes(prefix));
        var from = Encoding.UTF8.GetBytes(prefix);
        if (after.Length > 0 && After(after, prefix, delimiter) is var begin) from = begin is null ? from : begin.AsSpan().SequenceCompareTo(from) > 0 ? begin : from;
        var (objects, folders) = (new List<BucketObject>(), new List<string>());
        string? last = null;
        while (true)
        {
            var rows = await index.ListAsync(bucket.Id, from, end, Math.Min(Batch, limit + 1), cancellation);
            byte[]? next = null;
            foreach (var row in rows)
            {
                var name = Encoding.UTF8.GetBytes(row.Key);
                // It belongs to the folder that was just told.
                if (next is not null && name.AsSpan().SequenceCompareTo(next) < 0) continue;
                if (objects.Count + folders.Count == limit) return new ObjectPage(objects, folders, last);
                var cut = delimiter.Length > 0 ? row.Key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal) : -1;
                if (cut < 0)
                {
                    objects.Add(row);
                    (last, next) = (row.Key, [.. name, 0]);
                }
                else
                {
                    last = row.Key[..(cut + delimiter.Length)];
                    folders.Add(last);
                    next = After(Encoding.UTF8.GetBytes(last));
                    if (next is null) return new ObjectPage(objects, folders, null);
                }
            }
            if (rows.Count < Math.Min(Batch, limit + 1)) return new ObjectPage(objects, folders, null);
            from = next!;
        }
    }

    public async Task<Result<Guid>> BeginUploadAsync(BucketRow bucket, string key, PutOptions options, CancellationToken cancellation) =>
        Wrong(key, options.Custom) is { } wrong ? wrong : await uploads.BeginAsync(bucket, key, options.Http ?? new ObjectHttp(), options.Custom ?? new Dictionary<string, string>(), cancellation);

    /// <summary>Takes a part; answers its etag.</summary>
    public async Task<Result<string>> UploadPartAsync(BucketRow bucket, string key, Guid upload, int number, Stream body, CancellationToken cancellation)
    {
        if (number is < 1 or > MostParts || await uploads.FindAsync(bucket.Id, key, upload, cancellation) is null)
        {
            await body.CopyToAsync(Stream.Null, cancellation);
            return number is < 1 or > MostParts ? Problem.Invalid("partNumber", $"{number} is not between 1 and {MostParts}.", "Count parts from 1.") : Gone(upload);
        }
        if (await parts.WriteAsync(bucket, body, [], cancellation) is not { } written) return Problem.TooLarge($"A part may have at most {PartStore.MostBody} bytes.");
        if (await uploads.PartAsync(bucket, upload, new UploadPartRow(number, written.Part.Id, written.Part.Bytes, written.Hashes["md5"]), cancellation)) return written.Hashes["md5"];
        await parts.DropAsync(written.Part);
        return Gone(upload);
    }

    /// <summary>Makes an object of the parts that are named, in their order; nothing is copied.</summary>
    public async Task<Result<BucketObject>> CompleteAsync(BucketRow bucket, string key, Guid upload, IReadOnlyList<CompletedPart> named, CancellationToken cancellation)
    {
        if (await uploads.FindAsync(bucket.Id, key, upload, cancellation) is not var (row, sent)) return Gone(upload);
        var byNumber = sent.ToDictionary(p => p.Number);
        var ordered = named.OrderBy(p => p.PartNumber).ToList();
        if (ordered.Count == 0) return Problem.Invalid("parts", "There is none.", "Name the parts of which the object is made.");
        foreach (var part in ordered)
            if (!byNumber.TryGetValue(part.PartNumber, out var known) || known.Etag != part.Etag) return Problem.Invalid("parts", $"The part {part.PartNumber} was not sent, or has another etag.", "Name each part with the etag that its upload answered.");
        if (ordered.DistinctBy(p => p.PartNumber).Count() != ordered.Count) return Problem.Invalid("parts", "A part is named twice.", "Name each once.");
        var taken = ordered.Select(p => byNumber[p.PartNumber]).ToList();
        if (taken.SkipLast(1).FirstOrDefault(p => p.Bytes < LeastPart) is { } small) return Problem.Invalid("parts", $"The part {small.Number} has {small.Bytes} bytes.", $"Every part but the last has at least {LeastPart} bytes.");
        await uploads.LeaveOutAsync(bucket, upload, [.. sent.Except(taken).Select(p => p.Number)], cancellation);
        var made = new BucketObject
        {
            Key = key, Version = RandomNumberGenerator.GetHexString(32, lowercase: true), Bytes = taken.Sum(p => p.Bytes), Etag = $"{Md5(taken.SelectMany(p => Convert.FromHexString(p.Etag)).ToArray())}-{taken.Count}",
            Checksums = new Dictionary<string, string>(), Http = StoredJson.Read<ObjectHttp>(row.Http), Custom = StoredJson.Read<Dictionary<string, string>>(row.Custom), Parts = [.. taken.Select(p => new ObjectPart(p.Part, p.Bytes))], UploadedAt = time.GetUtcNow(),
        };
        return (await index.PutAsync(bucket, made, null, upload, cancellation)).Problem is { } problem ? problem : made;
    }

    public async Task<Result<Done>> AbortAsync(BucketRow bucket, string key, Guid upload, CancellationToken cancellation)
    {
        if (await uploads.FindAsync(bucket.Id, key, upload, cancellation) is null) return Gone(upload);
        await uploads.AbortAsync(bucket, upload, cancellation);
        return Done.It;
    }

    private static Problem Gone(Guid upload) => Problem.Conflict("There is no such upload", $"The upload '{upload:N}' was completed, aborted or given up after seven days. Begin a new one.");

    private static Problem? Wrong(string key, IReadOnlyDictionary<string, string>? custom)
    {
        if (Encoding.UTF8.GetByteCount(key) is 0 or > MostKey) return Problem.Invalid("key", $"It has not between 1 and {MostKey} bytes.", "Take another key.");
        return custom?.Sum(m => (long)Encoding.UTF8.GetByteCount(m.Key) + Encoding.UTF8.GetByteCount(m.Value)) > MostMetadata ? Problem.Invalid("customMetadata", $"It has more than {MostMetadata} bytes.", "Put what is large into the object.") : null;
    }

    // An etag, not a protection: what S3 and its users agreed on.
    private static string Md5(byte[] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        hash.AppendData(content);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Behind a key; behind all of a folder.
    private static byte[]? After(string key, string prefix, string delimiter) =>
        delimiter.Length > 0 && key.Length > prefix.Length && key.EndsWith(delimiter, StringComparison.Ordinal) ? After(Encoding.UTF8.GetBytes(key)) : [.. Encoding.UTF8.GetBytes(key), 0];

    // The first name behind all that begin so; null when there is none.
    private static byte[]? After(byte[] prefix)
    {
        var last = prefix.AsSpan().LastIndexOfAnyExcept((byte)255);
        if (last < 0) return null;
        var end = prefix[..(last + 1)];
        end[last]++;
        return end;
    }
}
