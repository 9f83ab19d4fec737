namespace Quarterdeck.Workers;

/// <summary>Where a zone's certificate comes from.</summary>
public enum CertificateOrigin
{
    /// <summary>Somebody sent it in, or a client of a certificate authority did.</summary>
    Uploaded,
    /// <summary>The console signed it by itself: browsers warn.</summary>
    Generated,
}

/// <summary>The certificate that a zone's TLS visitors see; its key never leaves the console.</summary>
/// <param name="Hostname">The zone's, wildcards included.</param>
/// <param name="Origin">Where it comes from.</param>
/// <param name="Subject">Whom it names.</param>
/// <param name="Issuer">Who signed it.</param>
/// <param name="Names">Host names that it is valid for.</param>
/// <param name="NotBefore">Valid from.</param>
/// <param name="NotAfter">Valid until; afterwards visitors are warned or turned away by their browser.</param>
/// <param name="Fingerprint">SHA-256 of it, lower-case hexadecimal.</param>
public sealed record ZoneCertificate(
    string Hostname, CertificateOrigin Origin, string Subject, string Issuer, IReadOnlyList<string> Names, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string Fingerprint);

/// <summary>A certificate as it is sent in.</summary>
/// <param name="Certificate">PEM: the zone's own first, then those between it and the root; null to have one generated.</param>
/// <param name="PrivateKey">PEM, not encrypted: ECDSA P-256, P-384 or RSA of 2048 bits or more.</param>
/// <param name="Generate">True to let the console sign one by itself, valid for a year.</param>
public sealed record NewCertificate(string? Certificate = null, string? PrivateKey = null, bool Generate = false);

/// <summary>What a certificate authority wants to find on the zone (ACME, http-01) before it signs.</summary>
/// <param name="KeyAuthorization">The body, at most 512 characters.</param>
public sealed record NewChallenge(string? KeyAuthorization);
