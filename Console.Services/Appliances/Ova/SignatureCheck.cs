using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Checks a package's <c>.cert</c> file: a signature over the manifest, and the certificates it was made with.</summary>
internal static partial class SignatureCheck
{
    public const int MaxBytes = 256 << 10;
    private const int MaxCertificates = 10;

    [GeneratedRegex(@"^(SHA-?1|SHA-?256|SHA-?512) ?\((?<file>[^()]{1,255})\) ?= ?(?<signature>[0-9a-fA-F]{64,2048})\s*$", RegexOptions.Multiline)]
    private static partial Regex Line();

    /// <summary>Whether the signature holds, and whose certificates are with it. Trust in the publisher is another matter.</summary>
    /// <param name="fileName">The file's name.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="manifest">What it signs; null refuses it.</param>
    public static PackageSignature Read(string fileName, byte[] content, Manifest? manifest)
    {
        if (manifest is null) throw Refusal.Of(fileName, "it signs a manifest, but the package has none.");
        var text = Encoding.ASCII.GetString(content);
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
            var match = Line().Match(text);
            if (!match.Success || match.Groups["file"].Value != manifest.FileName || match.Groups["signature"].Length % 2 != 0) return Broken($"it holds no signature of {manifest.FileName}.");
            if (certificates.Count == 0) return Broken("it holds no certificate.");
            if (certificates.Count > MaxCertificates) return Broken($"it holds more than {MaxCertificates} certificates.");
            var (algorithm, signature) = (Manifest.Algorithm(match.Groups[1].Value), Convert.FromHexString(match.Groups["signature"].Value));
            // Tools differ in the order of certificates: the signer is the one whose key fits.
            var signer = certificates.FirstOrDefault(c => Holds(c, manifest.Bytes, signature, algorithm));
            if (signer is null) return Broken($"the signature of {manifest.FileName} does not hold: the manifest was changed after signing.");
            return new PackageSignature(fileName, true, Ders(signer), Weak: algorithm == HashAlgorithmName.SHA1 ? "The signature rests on SHA-1, which can be forged." : null);
        }
        catch (CryptographicException)
        {
            return Broken("its certificate or signature cannot be read.");
        }
        finally
        {
            foreach (var certificate in certificates) certificate.Dispose();
        }

        PackageSignature Broken(string why) => new(fileName, true, Ders(certificates.FirstOrDefault()), why);

        IReadOnlyList<byte[]> Ders(X509Certificate2? first) => first is null ? [] : [first.RawData, .. certificates.Where(c => c != first).Take(MaxCertificates).Select(c => c.RawData)];
    }

    private static bool Holds(X509Certificate2 certificate, byte[] manifest, byte[] signature, HashAlgorithmName algorithm)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var ecdsa = certificate.GetECDsaPublicKey();
        return rsa?.VerifyData(manifest, signature, algorithm, RSASignaturePadding.Pkcs1) is true || ecdsa?.VerifyData(manifest, signature, algorithm, DSASignatureFormat.Rfc3279DerSequence) is true;
    }
}
