using System.Diagnostics.CodeAnalysis;

namespace Quarterdeck.Repositories;

/// <summary>Where a repository is: a folder of the console's machine, or a bucket.</summary>
public enum RepositoryKind { Local, S3 }

/// <summary>How a repository was when it was last looked at.</summary>
public enum RepositoryState
{
    /// <summary>It opens.</summary>
    Ready,
    /// <summary>It cannot be reached.</summary>
    Unreachable,
    /// <summary>It opens, and the last verification found damage.</summary>
    Damaged,
    /// <summary>It is there and does not open: wrong key, unknown format.</summary>
    Refused,
}

/// <summary>A configured repository.</summary>
public record RepositoryInfo
{
    /// <summary>The console's id of it, UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>Name for people; unique.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is.</summary>
    public required RepositoryKind Kind { get; init; }

    /// <summary>The folder, or <c>endpoint/bucket/prefix</c>.</summary>
    public required string Location { get; init; }

    /// <summary>Its own id, which it keeps wherever it is moved.</summary>
    public required Guid RepositoryId { get; init; }

    /// <summary>Whether content is encrypted before it leaves the console.</summary>
    public required bool Encrypted { get; init; }

    /// <summary>Whether points and chunks can be added only.</summary>
    public required bool AppendOnly { get; init; }

    /// <summary>How it was when last looked at.</summary>
    public required RepositoryState State { get; init; }

    /// <summary>Why it is not ready; null when it is.</summary>
    public string? Problem { get; init; }

    /// <summary>Bytes that it takes.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Bytes of the different chunks in it, before compression.</summary>
    public required long UniqueBytes { get; init; }

    /// <summary>Sizes of the disks of all points.</summary>
    public required long LogicalBytes { get; init; }

    /// <summary>How many times smaller leaving out zeros and duplicates makes the points; 0 while it is empty.</summary>
    public double DedupRatio => UniqueBytes > 0 ? Math.Round((double)LogicalBytes / UniqueBytes, 2) : 0;

    /// <summary>How many times smaller compression makes what is left; 0 while it is empty.</summary>
    public double CompressionRatio => UsedBytes > 0 && UniqueBytes > 0 ? Math.Round((double)UniqueBytes / UsedBytes, 2) : 0;

    /// <summary>Points in it.</summary>
    public required int Points { get; init; }

    /// <summary>When it was last looked at; null before.</summary>
    public DateTimeOffset? LookedAt { get; init; }

    /// <summary>When all of it was last verified; null before.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>What the last verification found; null when nothing, or before.</summary>
    public string? Damage { get; init; }

    /// <summary>When it was added here.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>How large a repository was at the end of a day.</summary>
/// <param name="Day">The day, in UTC.</param>
/// <param name="UsedBytes">Bytes that it took.</param>
/// <param name="LogicalBytes">Sizes of the disks of all points.</param>
/// <param name="Points">Points in it.</param>
public sealed record RepositorySample(DateOnly Day, long UsedBytes, long LogicalBytes, int Points);

/// <summary>A repository to add.</summary>
public sealed record AddRepository
{
    /// <summary>Name for people; unique.</summary>
    public string? Name { get; init; }

    /// <summary>Where it is.</summary>
    public RepositoryKind Kind { get; init; }

    /// <summary>Local: an absolute folder of the console's machine; made when its parent is there.</summary>
    public string? Location { get; init; }

    /// <summary>Whether a new one encrypts. An existing one is as it is.</summary>
    public bool Encrypted { get; init; }

    /// <summary>Whether nothing can be removed from a new one. An existing one is as it is.</summary>
    public bool AppendOnly { get; init; }

    /// <summary>The key as <c>QDK1-…</c>; needed for an existing encrypted one, generated for a new one when absent.</summary>
    public string? Key { get; init; }

    /// <summary>S3: the service's address, such as <c>https://s3.example.org</c>.</summary>
    public string? Endpoint { get; init; }

    /// <summary>S3: the bucket; it must be there.</summary>
    public string? Bucket { get; init; }

    /// <summary>S3: what all names in the bucket begin with; null for nothing.</summary>
    public string? Prefix { get; init; }

    /// <summary>S3: the region that requests are signed for; <c>us-east-1</c> when absent.</summary>
    public string? Region { get; init; }

    /// <summary>S3: the access key's id.</summary>
    public string? AccessKey { get; init; }

    /// <summary>S3: the access key's secret.</summary>
    public string? SecretKey { get; init; }
}

/// <summary>What adding a repository answers.</summary>
public sealed record AddedRepository : RepositoryInfo
{
    [SetsRequiredMembers]
    internal AddedRepository(RepositoryInfo repository, bool adopted, string? key) : base(repository) => (Adopted, Key) = (adopted, key);

    /// <summary>Whether it was there already; its points are shown.</summary>
    public bool Adopted { get; }

    /// <summary>The key that was generated; shown this once, to be kept outside this machine. Null when none was.</summary>
    public string? Key { get; }
}

/// <summary>The key of an encrypted repository, for the recovery sheet.</summary>
/// <param name="RepositoryId">The repository's own id.</param>
/// <param name="KeyId">Names the key without telling it.</param>
/// <param name="Key">The key, as it is typed.</param>
public sealed record ExportedKey(Guid RepositoryId, string KeyId, string Key);
