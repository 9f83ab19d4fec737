namespace Quarterdeck.Repositories;

/// <summary>Where a repository is.</summary>
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
public sealed record RepositoryInfo
{
    /// <summary>The console's id of it, UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>Name for people; unique.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is.</summary>
    public required RepositoryKind Kind { get; init; }

    /// <summary>The folder, or <c>endpoint/bucket/prefix</c>.</summary>
    public required string Location { get; init; }

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

    /// <summary>Sizes of the disks of all points.</summary>
    public required long LogicalBytes { get; init; }

    /// <summary>Points in it.</summary>
    public required int Points { get; init; }

    /// <summary>When it was added here.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
