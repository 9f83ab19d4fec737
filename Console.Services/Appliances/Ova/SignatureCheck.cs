using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Checks a package's <c>.cert</c> file: a signature over the manifest, and the certificate it was made with.</summary>
internal static partial class SignatureCheck
{
    public const int MaxBytes = 256 << 10;

    [GeneratedRegex(@"^(SHA-?1|SHA-?256|SHA-?512) ?\((?<file>[^()]{1,255})\) ?= ?(?<signature>[0-9a-fA-F]{64,2048})\s*$", RegexOptions.Multiline)]
    private static partial Regex Line();

    /// <summary>Who signed, when the signature holds. Trust in the publisher is another matter.</summary>
    public static OvaSignature Verify(string fileName, byte[] content, Manifest? manifest)
    {
        if (manifest is null) throw Refusal.Of(fileName, "it signs a manifest, but the package has none.");
        var text = Encoding.ASCII.GetString(content);
        var match = Line().Match(text);
        if (!match.Success || match.Groups["file"].Value != manifest.FileName || match.Groups["signature"].Length % 2 != 0)
            throw Refusal.Of(fileName, $"it holds no signature of {manifest.FileName}.");
        var algorithm = Manifest.Algorithm(match.Groups[1].Value);
        var signature = Convert.FromHexString(match.Groups["signature"].Value);
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(text);
            using var rsa = certificate.GetRSAPublicKey();
            using var ecdsa = certificate.GetECDsaPublicKey();
            var holds = rsa?.VerifyData(manifest.Bytes, signature, algorithm, RSASignaturePadding.Pkcs1)
                ?? ecdsa?.VerifyData(manifest.Bytes, signature, algorithm, DSASignatureFormat.Rfc3279DerSequence)
                ?? throw Refusal.Of(fileName, "its certificate has neither an RSA nor an ECDSA key.");
            if (!holds) throw Refusal.Of(fileName, $"the signature of {manifest.FileName} does not hold: the manifest was changed after signing.");
            return new OvaSignature(SignatureState.Untrusted, Refusal.Printable(certificate.Subject));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw Refusal.Of(fileName, "its certificate or signature cannot be read.");
        }
    }
}
