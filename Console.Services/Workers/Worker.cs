namespace Quarterdeck.Workers;

/// <summary>Where a worker runs.</summary>
public enum WorkerTier
{
    /// <summary>In a shard with others.</summary>
    Shared,
    /// <summary>In a process and cgroup of its own.</summary>
    Cordon,
    /// <summary>Nowhere: its routes answer 503.</summary>
    Off,
}

/// <summary>When a new deployment is taken back without a hand.</summary>
/// <param name="ErrorPercent">Share of failed requests (5xx, exceptions, limits) of the newest version from which it is taken back, 1 to 100.</param>
/// <param name="WindowSeconds">Over the last so many seconds, 10 to 3600.</param>
/// <param name="LeastRequests">Requests there must be before the share counts, 1 to 1,000,000.</param>
public sealed record RollbackRule(int ErrorPercent, int WindowSeconds = 60, int LeastRequests = 20);

/// <summary>Third-party code under a name, with versions.</summary>
public sealed record Worker
{
    /// <summary>UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>Automatic number, never reused; half of every <see cref="WorkerKey"/>.</summary>
    public required long Serial { get; init; }

    /// <summary>Unique: lower-case letters, digits and dashes, 1 to 63.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it may run in a shared shard. False when somebody below the trusted role deployed it, until an administrator trusts it.</summary>
    public required bool Trusted { get; init; }

    /// <summary>Where it runs now.</summary>
    public required WorkerTier Tier { get; init; }

    /// <summary>Why it is not shared, in words; null when it is.</summary>
    public string? TierReason { get; init; }

    /// <summary>When it goes back by itself; null when only a hand brings it back.</summary>
    public DateTimeOffset? TierUntil { get; init; }

    /// <summary>The newest version; 0 when none was made.</summary>
    public required int LatestVersion { get; init; }

    /// <summary>What runs now; null before the first deployment.</summary>
    public WorkerDeployment? Deployment { get; init; }

    /// <summary>When a deployment is taken back by itself; null for never.</summary>
    public RollbackRule? Rollback { get; init; }

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a version, a deployment or a setting last changed.</summary>
    public required DateTimeOffset ChangedAt { get; init; }
}

/// <summary>What keeps a visitor with one version of a split.</summary>
public enum StickyKind
{
    /// <summary>A cookie that the front sets.</summary>
    Cookie,
    /// <summary>A header that the visitor sends: equal values get the same version.</summary>
    Header,
}

/// <summary>How a split sticks.</summary>
/// <param name="By">Cookie or header.</param>
/// <param name="Name">The cookie's or header's name.</param>
public sealed record StickyRule(StickyKind By, string Name);

/// <summary>A version's share of the requests.</summary>
/// <param name="Version">Which.</param>
/// <param name="Percent">Per cent, 0 to 100; the shares of a deployment make 100.</param>
public sealed record VersionShare(int Version, int Percent);

/// <summary>Which versions answered from a moment on.</summary>
/// <param name="Number">Counts from 1 in each worker.</param>
/// <param name="Versions">One, or two that split the requests.</param>
/// <param name="Sticky">What keeps a visitor with one version; null for chance each time.</param>
/// <param name="Reason">Why: a message of who deployed, or what the automatic rollback saw.</param>
/// <param name="Automatic">Whether the rollback rule made it.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">From when.</param>
public sealed record WorkerDeployment(
    int Number, IReadOnlyList<VersionShare> Versions, StickyRule? Sticky, string Reason, bool Automatic, string CreatedBy, DateTimeOffset CreatedAt);
