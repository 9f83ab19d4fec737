namespace Quarterdeck.Workers;

/// <summary>A bucket of object storage.</summary>
/// <param name="Name">Its name.</param>
/// <param name="RepositoryId">The repository in whose place its objects lie, below <c>objects/</c>.</param>
/// <param name="Repository">That repository's name.</param>
/// <param name="Objects">How many objects it holds.</param>
/// <param name="UsedBytes">Their bytes; what was replaced or deleted is freed an hour later and does not count.</param>
/// <param name="LimitBytes">Bytes that it may hold; null for no limit.</param>
/// <param name="CreatedAt">Since when it is there.</param>
public sealed record WorkerBucket(string Name, Guid RepositoryId, string Repository, long Objects, long UsedBytes, long? LimitBytes, DateTimeOffset CreatedAt);

/// <summary>A bucket to make, or its limit to set.</summary>
/// <param name="RepositoryId">Where its objects are to lie; needed for a new one, and never changes.</param>
/// <param name="LimitBytes">Bytes that it may hold; null for no limit.</param>
public sealed record NewBucket(Guid? RepositoryId = null, long? LimitBytes = null);

/// <summary>An object of a bucket.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Etag">MD5 of its content, hexadecimal; of one that was uploaded in parts, MD5 over theirs and their number.</param>
/// <param name="ContentType">What HTTP is to call it; null for nothing.</param>
/// <param name="Custom">What its writer noted.</param>
/// <param name="UploadedAt">When it was put.</param>
public sealed record StoredObject(string Key, long Bytes, string Etag, string? ContentType, IReadOnlyDictionary<string, string> Custom, DateTimeOffset UploadedAt);

/// <summary>An object to put.</summary>
/// <param name="Key">Its key, 1 to 1,024 bytes of UTF-8.</param>
/// <param name="ContentType">What HTTP is to call it; null for nothing.</param>
/// <param name="Bytes">Its size where it is known before: what has no room is then refused before it is sent.</param>
/// <param name="Replace">Whether it may take the place of an object of this key.</param>
public sealed record NewObject(string Key, string? ContentType = null, long? Bytes = null, bool Replace = true);

/// <summary>A page of a bucket's keys, in the order of their bytes.</summary>
/// <param name="Objects">Objects.</param>
/// <param name="Folders">What keys have up to the delimiter, each once.</param>
/// <param name="Next">What to send as <c>after</c> for the next page; null on the last one.</param>
public sealed record ObjectListing(IReadOnlyList<StoredObject> Objects, IReadOnlyList<string> Folders, string? Next);

/// <summary>An object that is read; dispose it.</summary>
/// <param name="Object">What it is.</param>
/// <param name="Content">Its bytes, as they come from the repository.</param>
public sealed record OpenedObject(StoredObject Object, Stream Content) : IAsyncDisposable
{
    /// <summary>Ends the reading.</summary>
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}
