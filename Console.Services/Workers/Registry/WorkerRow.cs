namespace Quarterdeck.Workers.Registry;

/// <summary>A row of <c>workers</c>.</summary>
internal sealed record WorkerRow(
    long Serial, Guid Id, string Name, bool Trusted, WorkerTier Tier, string? TierCause, string? TierReason, DateTimeOffset? TierUntil, int LatestVersion, int Deployment, string? Rollback,
    string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset ChangedAt)
{
    public Worker ToWorker(WorkerDeployment? deployment) => new()
    {
        Id = Id, Serial = Serial, Name = Name, Trusted = Trusted, Tier = Tier, TierReason = TierReason, TierUntil = TierUntil, LatestVersion = LatestVersion, Deployment = deployment,
        Rollback = StoredJson.ReadOptional<RollbackRule>(Rollback), CreatedBy = CreatedBy, CreatedAt = CreatedAt, ChangedAt = ChangedAt,
    };
}

/// <summary>Why a worker is where it is, in words.</summary>
internal static class TierWords
{
    public static string Untrusted(string publisher) => $"{publisher} is not trusted to share a process with others' workers. An administrator can trust this worker.";
}
