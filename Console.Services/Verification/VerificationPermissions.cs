using Quarterdeck.Access;

namespace Quarterdeck.Verification;

/// <summary>What callers may do with proofs.</summary>
public static class VerificationPermissions
{
    /// <summary>Read proofs, with their pictures of the screen.</summary>
    public static readonly Permission Read = new("proofs.read", Role.Viewer, "Read proofs of recovery points");

    /// <summary>Boot a recovery point apart from everything else, and schedule that.</summary>
    public static readonly Permission Run = new("proofs.run", Role.Operator, "Prove recovery points by booting them");
}
