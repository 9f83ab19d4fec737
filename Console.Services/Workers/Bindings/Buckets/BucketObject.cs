using System.Text;
using System.Text.Json;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>A row of <c>worker_buckets</c>.</summary>
internal sealed record BucketRow(string Name, Guid Id, Guid RepositoryId, long? LimitBytes, long UsedBytes, long Objects, DateTimeOffset CreatedAt);

/// <summary>What an object, or a piece of one, is made of: a folder of the repository.</summary>
internal sealed record ObjectPart(Guid Id, long Bytes);

/// <summary>What HTTP is to say of an object; times are milliseconds since 1970.</summary>
internal sealed record ObjectHttp(string? ContentType = null, string? ContentLanguage = null, string? ContentDisposition = null, string? ContentEncoding = null, string? CacheControl = null, long? CacheExpiry = null);

/// <summary>An object without its content.</summary>
internal sealed record BucketObject
{
    public required string Key { get; init; }
    public required string Version { get; init; }
    public required long Bytes { get; init; }
    public required string Etag { get; init; }
    public required IReadOnlyDictionary<string, string> Checksums { get; init; }
    public required ObjectHttp Http { get; init; }
    public required IReadOnlyDictionary<string, string> Custom { get; init; }
    public required IReadOnlyList<ObjectPart> Parts { get; init; }
    public required DateTimeOffset UploadedAt { get; init; }

    public static BucketObject Of(ObjectRow row) => new()
    {
        Key = Encoding.UTF8.GetString(row.Name), Version = row.Version, Bytes = row.Bytes, Etag = row.Etag, Checksums = StoredJson.Read<Dictionary<string, string>>(row.Checksums),
        Http = StoredJson.Read<ObjectHttp>(row.Http), Custom = StoredJson.Read<Dictionary<string, string>>(row.Custom), Parts = StoredJson.Read<List<ObjectPart>>(row.Parts), UploadedAt = row.UploadedAt,
    };

    /// <summary>As client-bucket.js reads it.</summary>
    public string Tell((long Offset, long Length)? range = null) => JsonSerializer.Serialize(new
    {
        key = Key, version = Version, size = Bytes, etag = Etag, checksums = Checksums, http = Http, custom = Custom, uploaded = UploadedAt.ToUnixTimeMilliseconds(),
        range = range is var (offset, length) ? new { offset, length } : null,
    }, JsonSerializerOptions.Web);
}

/// <summary>A row of <c>worker_objects</c>.</summary>
internal sealed record ObjectRow(byte[] Name, string Version, long Bytes, string Etag, string Checksums, string Http, string Custom, string Parts, DateTimeOffset UploadedAt);

/// <summary>On which objects a call does something. With both an etag and a time, the etag decides, as in HTTP.</summary>
/// <param name="EtagMatches">One of these; <c>*</c> for any.</param>
/// <param name="EtagDoesNotMatch">None of these; <c>*</c> for any.</param>
/// <param name="UploadedBefore">Milliseconds since 1970.</param>
/// <param name="UploadedAfter">Milliseconds since 1970.</param>
/// <param name="SecondsGranularity">Whether times are compared by the second.</param>
internal sealed record BucketCondition(IReadOnlyList<string>? EtagMatches = null, IReadOnlyList<string>? EtagDoesNotMatch = null, long? UploadedBefore = null, long? UploadedAfter = null, bool SecondsGranularity = false)
{
    /// <summary>Whether it holds for what is there; null for nothing.</summary>
    public bool Holds(BucketObject? found)
    {
        if (found is null) return EtagMatches is null;
        var uploaded = Rounded(found.UploadedAt.ToUnixTimeMilliseconds());
        if (EtagMatches is not null ? !Has(EtagMatches, found.Etag) : UploadedBefore is { } before && uploaded >= Rounded(before)) return false;
        return EtagDoesNotMatch is not null ? !Has(EtagDoesNotMatch, found.Etag) : UploadedAfter is not { } after || uploaded > Rounded(after);
    }

    private long Rounded(long milliseconds) => SecondsGranularity ? milliseconds / 1000 * 1000 : milliseconds;

    private static bool Has(IReadOnlyList<string> etags, string etag) => etags.Any(e => e == "*" || e == etag);
}
