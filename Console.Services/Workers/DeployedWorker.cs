namespace Quarterdeck.Workers;

/// <summary>A worker as the data plane sees it; immutable.</summary>
/// <param name="Serial">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="Tier">Where it runs.</param>
/// <param name="Versions">What answers, with shares that make 100; empty when nothing is deployed.</param>
/// <param name="Sticky">What keeps a visitor with one version; null for chance.</param>
/// <param name="Rollback">When the deployment is taken back by itself; null for never.</param>
/// <param name="Deployment">The deployment's number; 0 when nothing is deployed.</param>
/// <param name="DeployedAt">Since when these versions answer.</param>
public sealed record DeployedWorker(
    long Serial, string Name, WorkerTier Tier, IReadOnlyList<DeployedVersion> Versions, StickyRule? Sticky, RollbackRule? Rollback, int Deployment, DateTimeOffset DeployedAt);

/// <summary>A version that answers requests.</summary>
/// <param name="Key">Its name in the data plane.</param>
/// <param name="KeyText"><paramref name="Key"/> as text, made once.</param>
/// <param name="Percent">Its share.</param>
/// <param name="Limits">Within the ceilings of now.</param>
/// <param name="Assets">Static files; null when it has none.</param>
/// <param name="Triggers">What starts it besides requests.</param>
public sealed record DeployedVersion(WorkerKey Key, string KeyText, int Percent, WorkerLimits Limits, WorkerAssets? Assets, WorkerTriggers Triggers);

/// <summary>A route as the data plane sees it.</summary>
/// <param name="Pattern">As it was written.</param>
/// <param name="Prefix">What the path starts with, or is when <paramref name="Open"/> is false.</param>
/// <param name="Open">Whether anything may follow.</param>
/// <param name="Serial">The worker.</param>
public sealed record TableRoute(string Pattern, string Prefix, bool Open, long Serial)
{
    /// <summary>Whether a path, without its query, belongs to this route.</summary>
    public bool Matches(ReadOnlySpan<char> path) => Open ? path.StartsWith(Prefix, StringComparison.Ordinal) : path.SequenceEqual(Prefix);
}

/// <summary>A zone as the data plane sees it.</summary>
/// <param name="Hostname">As in <see cref="Zone.Hostname"/>.</param>
/// <param name="Routes">Most specific first: the first that matches wins.</param>
public sealed record TableZone(string Hostname, IReadOnlyList<TableRoute> Routes);
