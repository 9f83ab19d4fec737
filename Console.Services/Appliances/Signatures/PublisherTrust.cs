using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Appliances.Ova;

namespace Quarterdeck.Appliances.Signatures;

/// <summary>Says what a package's signature is worth: whether a trusted publisher made it, directly or through an authority.</summary>
internal sealed class PublisherTrust(PublisherStore store, TimeProvider time)
{
    /// <summary>An exact certificate in the list decides first, then the authorities above it. A withdrawn trust anywhere in the chain wins over a trusted one above.</summary>
    public async Task<OvaSignature> JudgeAsync(PackageSignature signature, CancellationToken cancellation)
    {
        if (signature.FileName is null) return new OvaSignature(SignatureState.None, null) { HasDigests = signature.HasDigests };
        if (signature.Certificates.Count == 0) return new OvaSignature(SignatureState.Invalid, null) { Reason = signature.Broken };
        var certificates = signature.Certificates.Select(X509CertificateLoader.LoadCertificate).ToArray();
        try
        {
            var leaf = certificates[0];
            var (subject, fingerprint) = (Refusal.Printable(leaf.Subject), Fingerprint(leaf));
            OvaSignature Worth(SignatureState state, string? reason, string? publisher = null) => new(state, publisher ?? subject, fingerprint) { Reason = reason };
            if (signature.Broken is { } broken) return Worth(SignatureState.Invalid, broken);
            var known = (await store.AllAsync(cancellation)).ToDictionary(p => p.Fingerprint, StringComparer.Ordinal);
            var (publisher, problem) = Find(leaf, certificates, known);
            if (publisher?.RevokedAt is { } revoked) return Worth(SignatureState.Revoked, $"The trust in {publisher.Name} was withdrawn on {revoked:yyyy-MM-dd}.", publisher.Name);
            if (publisher is null) return Worth(SignatureState.Untrusted, problem ?? "No trusted publisher issued this certificate.");
            problem ??= signature.Weak ?? CertificateFacts.WeakKey(leaf);
            return problem is null ? Worth(SignatureState.Trusted, null, publisher.Name) : Worth(SignatureState.Untrusted, problem);
        }
        finally { foreach (var certificate in certificates) certificate.Dispose(); }
    }

    private (KnownPublisher? Publisher, string? Problem) Find(X509Certificate2 leaf, X509Certificate2[] certificates, Dictionary<string, KnownPublisher> known)
    {
        var now = time.GetUtcNow().UtcDateTime;
        if (known.TryGetValue(Fingerprint(leaf), out var direct))
            return (direct, Outside(leaf, now) is { } late ? late : CertificateFacts.MaySign(leaf) ? null : "Its certificate is not meant for signing.");
        using var chain = new X509Chain
        {
            ChainPolicy =
            {
                // The system's own authorities don't count, and nothing is fetched from addresses inside certificates.
                TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true,
                VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority, VerificationTime = now,
            },
        };
        foreach (var certificate in certificates[1..]) chain.ChainPolicy.ExtraStore.Add(certificate);
        foreach (var publisher in known.Values) chain.ChainPolicy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(publisher.Certificate));
        chain.Build(leaf);
        try
        {
            // Below an anchor every link must hold; above it nothing matters.
            foreach (var (element, index) in chain.ChainElements.Select((e, i) => (e, i)))
            {
                var bad = element.ChainElementStatus.Where(s => s.Status is not (X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.RevocationStatusUnknown or X509ChainStatusFlags.OfflineRevocation)).Select(s => s.Status).FirstOrDefault();
                if (Outside(element.Certificate, now) is { } late) return (Anchor(chain, known, index), late);
                if (bad != X509ChainStatusFlags.NoError) return (null, $"Its chain of certificates does not hold ({bad}).");
                if (index > 0 && known.TryGetValue(Fingerprint(element.Certificate), out var anchor))
                    return (anchor, CertificateFacts.MaySign(leaf) ? null : "Its certificate is not meant for signing.");
            }
            return (null, null);
        }
        finally
        {
            foreach (var element in chain.ChainElements) element.Certificate.Dispose();
            foreach (var trusted in chain.ChainPolicy.CustomTrustStore) trusted.Dispose();
        }
    }

    private static KnownPublisher? Anchor(X509Chain chain, Dictionary<string, KnownPublisher> known, int from) =>
        chain.ChainElements.Skip(from).Select(e => known.GetValueOrDefault(Fingerprint(e.Certificate))).FirstOrDefault(p => p is not null);

    private static string? Outside(X509Certificate2 certificate, DateTime now) =>
        now < certificate.NotBefore.ToUniversalTime() ? $"The certificate of {Refusal.Printable(certificate.Subject)} is valid from {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd} on."
        : now > certificate.NotAfter.ToUniversalTime() ? $"The certificate of {Refusal.Printable(certificate.Subject)} expired on {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}."
        : null;

    private static string Fingerprint(X509Certificate2 certificate) => Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256));
}
