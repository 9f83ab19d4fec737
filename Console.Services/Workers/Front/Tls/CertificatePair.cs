using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Front.Tls;

/// <summary>A chain and a key in PEM that were checked to fit each other and the zone.</summary>
internal sealed record CertificatePair(string Chain, string Key)
{
    private const int MostCharacters = 128 << 10, MostCertificates = 10;

    /// <summary>Checks what was sent in; problems name the field.</summary>
    public static Result<CertificatePair> Read(string hostname, string? chain, string? key, DateTimeOffset now)
    {
        if (string.IsNullOrWhiteSpace(chain)) return Problem.Invalid("certificate", "It is missing.", "Send the chain in PEM, the zone's own certificate first, or generate: true.");
        if (string.IsNullOrWhiteSpace(key)) return Problem.Invalid("privateKey", "It is missing.", "Send the certificate's key in PEM.");
        if (chain.Length > MostCharacters || key.Length > MostCharacters) return Problem.Invalid("certificate", "It is too long.", $"Send at most {MostCharacters >> 10} KiB and {MostCertificates} certificates.");
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(chain);
            if (certificates.Count is 0 or > MostCertificates) return Problem.Invalid("certificate", $"It holds {certificates.Count} certificates.", $"Send 1 to {MostCertificates} in PEM, the zone's own first.");
            if (Unfit(certificates[0], hostname, now) is { } unfit) return unfit;
            return Joined(chain, key) is { } wrong ? wrong : new CertificatePair(certificates.ExportCertificatePems(), key);
        }
        catch (CryptographicException)
        {
            return Problem.Invalid("certificate", "It is not a certificate in PEM.", "Send the text with its BEGIN and END lines.");
        }
        finally
        {
            foreach (var certificate in certificates) certificate.Dispose();
        }
    }

    /// <summary>DNS names that a certificate is valid for.</summary>
    public static IReadOnlyList<string> NamesOf(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).ToList();

    private static Problem? Unfit(X509Certificate2 certificate, string hostname, DateTimeOffset now)
    {
        if (certificate.NotAfter.ToUniversalTime() <= now) return Problem.Invalid("certificate", $"It expired on {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}.", "Send a current one.");
        // A wildcard zone is asked for as one name below it.
        var asked = hostname.StartsWith("*.", StringComparison.Ordinal) ? "quarterdeck-check" + hostname[1..] : hostname;
        if (!certificate.MatchesHostname(asked, allowWildcards: true, allowCommonName: false))
            return Problem.Invalid("certificate", $"It is not valid for {hostname} but for {string.Join(", ", NamesOf(certificate).DefaultIfEmpty("no host name"))}.", "Send the zone's own certificate first, then those of its issuers.");
        using var rsa = certificate.GetRSAPublicKey();
        return rsa is { KeySize: < 2048 } ? Problem.Invalid("certificate", $"Its RSA key has {rsa.KeySize} bits.", "Make one with 2048 bits or more, or ECDSA.") : null;
    }

    private static Problem? Joined(string chain, string key)
    {
        try
        {
            using var joined = X509Certificate2.CreateFromPem(chain, key);
            return null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return Problem.Invalid("privateKey", "It is not the key of this certificate, or not in PEM.", "Send the key that the certificate was requested with, not encrypted.");
        }
    }
}

/// <summary>Certificates that the console signs by itself, so that a zone answers over TLS before it has a real one.</summary>
internal static class SelfSigned
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(365);

    /// <summary>A new key and a certificate for one host name.</summary>
    public static Result<CertificatePair> Make(string hostname, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Certify(hostname, key, now);
        return new CertificatePair(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem());
    }

    private static X509Certificate2 Certify(string hostname, ECDsa key, DateTimeOffset now)
    {
        // A common name holds 64 characters at most; the host name stands among the alternatives.
        var request = new CertificateRequest("CN=Quarterdeck zone", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(hostname);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        return request.CreateSelfSigned(now.AddHours(-1), now + Life);
    }
}
