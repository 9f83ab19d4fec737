using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quarterdeck.Plugins.Authority;

/// <summary>What is taken of an appliance's certificate request: its key, and whether it asks for more than it may.</summary>
internal sealed record ClientRequest(PublicKey Key, bool AsksForAuthority)
{
    private const int MaxCharacters = 16 << 10;

    /// <summary>Null when it is damaged, not signed by its own key, or weak.</summary>
    public static ClientRequest? Read(string pem)
    {
        if (pem.Length > MaxCharacters) return null;
        try
        {
            // Loading checks the request's signature, which proves that the sender has the private key.
            var request = CertificateRequest.LoadSigningRequestPem(pem, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            if (!Strong(request.PublicKey)) return null;
            var authority = request.CertificateExtensions.Any(e => e.Oid?.Value == "2.5.29.19" && new X509BasicConstraintsExtension(e, e.Critical).CertificateAuthority)
                || request.CertificateExtensions.Any(e => e.Oid?.Value == "2.5.29.15" && new X509KeyUsageExtension(e, e.Critical).KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign));
            return new ClientRequest(request.PublicKey, authority);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    private static bool Strong(PublicKey key)
    {
        using var ecdsa = key.GetECDsaPublicKey();
        if (ecdsa is not null) return ecdsa.KeySize is 256 or 384;
        using var rsa = key.GetRSAPublicKey();
        return rsa?.KeySize is >= 2048 and <= 4096;
    }
}
