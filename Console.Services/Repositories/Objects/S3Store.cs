using System.Buffers;
using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Quarterdeck.Repositories.Objects;

/// <summary>Where a bucket is, and how it is opened.</summary>
internal sealed record S3Place(Uri Endpoint, string Bucket, string Prefix, string Region, string AccessKey, string SecretKey);

/// <summary>Objects in an S3 bucket. The service must be strongly consistent, as S3 itself and its common reimplementations are.</summary>
internal sealed class S3Store : IObjectStore
{
    private const int PartBytes = 8 << 20;
    private readonly S3Place _place;
    private readonly AmazonS3Client _client;

    /// <param name="place">Where it is.</param>
    /// <param name="allowPrivate">Whether the endpoint may have a private address.</param>
    public S3Store(S3Place place, bool allowPrivate)
    {
        _place = place;
        _client = new AmazonS3Client(new BasicAWSCredentials(place.AccessKey, place.SecretKey), new AmazonS3Config
        {
            ServiceURL = place.Endpoint.GetLeftPart(UriPartial.Authority),
            ForcePathStyle = true,
            AuthenticationRegion = place.Region,
            MaxErrorRetry = 3,
            Timeout = TimeSpan.FromMinutes(2),
            // Other services than Amazon's own refuse the newer checksums; content has its own.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            HttpClientFactory = new GuardedHttp(allowPrivate),
        });
    }

    public string Location => Describe(_place.Endpoint, _place.Bucket, _place.Prefix);

    /// <summary>A bucket's location as people read it.</summary>
    public static string Describe(Uri endpoint, string bucket, string prefix) => $"{endpoint.Authority}/{bucket}{(prefix.Length > 0 ? "/" + prefix : "")}";

    private string Key(string name) => _place.Prefix.Length > 0 ? $"{_place.Prefix}/{name}" : name;

    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) => TryAsync(async () =>
    {
        if (content.Length > PartBytes) await WritePartsAsync(Key(name), content, cancellation);
        else await PutAsync(name, content, onlyNew: false, cancellation);
        return true;
    });

    public Task<bool> CreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) => TryAsync(async () =>
    {
        // Some services do not know the condition: asking first then leaves a moment in which two may both win.
        if (await ExistsAsync(name, cancellation)) return false;
        try
        {
            await PutAsync(name, content, onlyNew: true, cancellation);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict) { return false; }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.NotImplemented)
        {
            await PutAsync(name, content, onlyNew: false, cancellation);
            return true;
        }
    });

    private async Task<bool> ExistsAsync(string name, CancellationToken cancellation)
    {
        try
        {
            await _client.GetObjectMetadataAsync(_place.Bucket, Key(name), cancellation);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.NotFound) { return false; }
    }

    private Task PutAsync(string name, ReadOnlyMemory<byte> content, bool onlyNew, CancellationToken cancellation) => SendAsync(content, stream =>
    {
        var request = new PutObjectRequest { BucketName = _place.Bucket, Key = Key(name), InputStream = stream, UseChunkEncoding = false };
        if (onlyNew) request.IfNoneMatch = "*";
        return _client.PutObjectAsync(request, cancellation);
    });

    // Packs are native memory, freed once they are written: a request that was given up may still be reading then, so it reads a copy.
    private static async Task<T> SendAsync<T>(ReadOnlyMemory<byte> content, Func<Stream, Task<T>> send)
    {
        var copy = ArrayPool<byte>.Shared.Rent(content.Length);
        try
        {
            content.CopyTo(copy);
            return await send(new MemoryStream(copy, 0, content.Length, writable: false));
        }
        finally { ArrayPool<byte>.Shared.Return(copy); }
    }

    private async Task WritePartsAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var upload = (await _client.InitiateMultipartUploadAsync(_place.Bucket, key, cancellation)).UploadId;
        try
        {
            var parts = Enumerable.Range(0, (content.Length + PartBytes - 1) / PartBytes).Select(async i =>
            {
                var part = content[(i * PartBytes)..Math.Min(content.Length, (i + 1) * PartBytes)];
                var sent = await SendAsync(part, stream => _client.UploadPartAsync(
                    new UploadPartRequest { BucketName = _place.Bucket, Key = key, UploadId = upload, PartNumber = i + 1, InputStream = stream, PartSize = part.Length, UseChunkEncoding = false }, cancellation));
                return new PartETag(i + 1, sent.ETag);
            });
            await _client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = _place.Bucket, Key = key, UploadId = upload, PartETags = [.. await Task.WhenAll(parts)] }, cancellation);
        }
        catch
        {
            // What was sent of it would be paid for and never seen.
            try { await _client.AbortMultipartUploadAsync(_place.Bucket, key, upload, CancellationToken.None); }
            catch (Exception e) when (e is AmazonServiceException or HttpRequestException) { /* The first fault is the one to tell. */ }
            throw;
        }
    }

    public Task<byte[]?> ReadAsync(string name, CancellationToken cancellation) => TryAsync(async () =>
    {
        try
        {
            using var answer = await _client.GetObjectAsync(_place.Bucket, Key(name), cancellation);
            var content = new byte[answer.ContentLength];
            await answer.ResponseStream.ReadExactlyAsync(content, cancellation);
            return content;
        }
        catch (AmazonS3Exception e) when (IsMissing(e)) { return null; }
    });

    public Task<int> ReadAsync(string name, long offset, Memory<byte> into, CancellationToken cancellation) => TryAsync(async () =>
    {
        if (into.Length == 0) return 0;
        try
        {
            var request = new GetObjectRequest { BucketName = _place.Bucket, Key = Key(name), ByteRange = new ByteRange(offset, offset + into.Length - 1) };
            using var answer = await _client.GetObjectAsync(request, cancellation);
            return await answer.ResponseStream.ReadAtLeastAsync(into, into.Length, throwOnEndOfStream: false, cancellation);
        }
        catch (AmazonS3Exception e) when (IsMissing(e)) { return -1; }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.RequestedRangeNotSatisfiable) { return 0; }
    });

    public async IAsyncEnumerable<ObjectEntry> ListAsync(string folder, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = _place.Bucket, Prefix = Key(folder) + "/" };
        var cut = _place.Prefix.Length > 0 ? _place.Prefix.Length + 1 : 0;
        do
        {
            var page = await TryAsync(() => _client.ListObjectsV2Async(request, cancellation));
            foreach (var found in page.S3Objects ?? []) yield return new ObjectEntry(found.Key[cut..], found.Size ?? 0);
            request.ContinuationToken = page.IsTruncated is true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public Task DeleteAsync(string name, CancellationToken cancellation) => TryAsync(async () =>
    {
        try { await _client.DeleteObjectAsync(_place.Bucket, Key(name), cancellation); }
        catch (AmazonS3Exception e) when (IsMissing(e)) { /* It is gone already. */ }
        return true;
    });

    private static bool IsMissing(AmazonS3Exception e) => e.StatusCode is HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket";

    private async Task<T> TryAsync<T>(Func<Task<T>> call)
    {
        try { return await call(); }
        catch (AmazonServiceException e) { throw Fault(e); }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or IOException or TimeoutException or TaskCanceledException { InnerException: TimeoutException })
        {
            throw new RepositoryException(RepositoryFault.Unreachable, $"{Location}: {GuardedHttp.Reason(e)} Check the endpoint and the network.", e);
        }
    }

    private RepositoryException Fault(AmazonServiceException e) => e switch
    {
        { ErrorCode: "NoSuchBucket" } => new(RepositoryFault.Unreachable, $"There is no bucket '{_place.Bucket}' at {_place.Endpoint.Authority}. Create it, or correct its name.", e),
        { ErrorCode: "QuotaExceeded" or "XMinioStorageFull" or "InsufficientStorage" } or { StatusCode: HttpStatusCode.InsufficientStorage } =>
            new(RepositoryFault.Full, $"No room is left in {Location}: {e.Message} Make room, or remove points and collect.", e),
        { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized } => new(RepositoryFault.ReadOnly, $"{Location} refuses it: {e.Message} Check the access key, its rights on the bucket, and the bucket's locks.", e),
        _ => new(RepositoryFault.Unreachable, $"{Location}: {e.Message} Try again later.", e),
    };

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }
}
