using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quarterdeck.Appliances.Signatures;

/// <summary>What a certificate says it is for.</summary>
internal static class CertificateFacts
{
    private const string CodeSigning = "1.3.6.1.5.5.7.3.3", AnyPurpose = "2.5.29.37.0";

    /// <summary>Whether it may issue others.</summary>
    public static bool IsAuthority(X509Certificate2 certificate) => certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority);

    /// <summary>Whether it may sign packages: one for servers or mail may not, one that names no purpose may.</summary>
    public static bool MaySign(X509Certificate2 certificate)
    {
        var purposes = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(e => e.EnhancedKeyUsages.Cast<Oid>()).Select(o => o.Value).ToArray();
        var usage = certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        return (purposes.Length == 0 || purposes.Contains(CodeSigning) || purposes.Contains(AnyPurpose)) && (usage is null || usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature));
    }

    /// <summary>Why its key proves nothing; null when it is strong enough.</summary>
    public static string? WeakKey(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var ecdsa = certificate.GetECDsaPublicKey();
        if (rsa is null && ecdsa is null) return "its key is neither RSA nor ECDSA.";
        var bits = rsa?.KeySize ?? ecdsa!.KeySize;
        return bits < (rsa is null ? 224 : 2048) ? $"its key of {bits} bits can be broken." : null;
    }
}
