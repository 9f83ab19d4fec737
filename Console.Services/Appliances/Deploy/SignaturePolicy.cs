using Quarterdeck.Appliances.Ova;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Which signatures a deployment takes: a trusted one always, none or an unknown one where the administrator says so, a broken or withdrawn one never.</summary>
internal static class SignaturePolicy
{
    /// <param name="signature">What the signature is worth.</param>
    /// <param name="file">Its file in the package; null when there is none.</param>
    /// <param name="spec">What the administrator allows.</param>
    /// <exception cref="ProblemException">The package is refused.</exception>
    public static void Enforce(OvaSignature signature, string? file, ApplianceSpec spec)
    {
        if (signature.State is SignatureState.Invalid) throw Refusal.Of(file ?? "package", $"its signature is broken: {signature.Reason}");
        if (signature.State is SignatureState.Revoked) throw Refusal.Of(file ?? "package", signature.Reason!, "Ask the publisher for a package with their present signature. An administrator can trust the publisher again under Plug-ins, Publishers.");
        if (signature.State is SignatureState.Trusted || spec.AllowUnsigned) return;
        var what = signature switch
        {
            { State: SignatureState.Untrusted } => $"The package is signed by {signature.Publisher}, who is not trusted: {signature.Reason}",
            { HasDigests: false } => "The package has no manifest of digests.",
            _ => "The package is not signed.",
        };
        throw new ProblemException(Problem.Invalid("allowUnsigned", what, "Send allowUnsigned: true if you know where the package comes from, or trust its publisher first."));
    }
}
