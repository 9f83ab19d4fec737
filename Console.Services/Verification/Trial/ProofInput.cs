using Quarterdeck.Operations;

namespace Quarterdeck.Verification.Trial;

/// <summary>Input of <c>recovery-point.prove</c>.</summary>
/// <param name="RecoveryPointId">The point.</param>
/// <param name="RepositoryId">Its repository, as the console knows it.</param>
/// <param name="VmId">The VM that it is of.</param>
/// <param name="VmName">That VM's name.</param>
/// <param name="HostId">Where it boots.</param>
/// <param name="Checks">What it has to show.</param>
internal sealed record ProofInput(Guid RecoveryPointId, Guid RepositoryId, Guid VmId, string VmName, Guid HostId, ProofChecks Checks);

/// <summary>The room's kinds of operations and notes.</summary>
internal static class ProofKinds
{
    /// <summary>Boots one point.</summary>
    public static readonly OperationKind Prove = new("recovery-point.prove", "Prove recovery point", VerificationPermissions.Run);

    /// <summary>Boots the newest point of each VM of a backup job.</summary>
    public static readonly OperationKind ProveJob = new("backup-job.prove", "Prove recovery points of a job", VerificationPermissions.Run);

    /// <summary>Note: an overlay, as <c>pool/name</c>.</summary>
    public const string VolumeNote = "proof.volume";
}
