using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quarterdeck.Tests.Support;

/// <summary>A certificate with its key, of its own or issued by another; signs manifests as packaging tools do.</summary>
internal sealed class Signer : IDisposable
{
    private readonly AsymmetricAlgorithm _key;
    private readonly List<Signer> _above = [];

    private Signer(AsymmetricAlgorithm key, X509Certificate2 certificate) => (_key, Certificate) = (key, certificate);

    public X509Certificate2 Certificate { get; }

    public string Pem => Certificate.ExportCertificatePem();

    /// <summary>What makes a certificate special.</summary>
    /// <param name="Authority">May issue others.</param>
    /// <param name="Ecdsa">ECDSA instead of RSA.</param>
    /// <param name="Bits">Of an RSA key.</param>
    /// <param name="From">Days from now at which it begins to count.</param>
    /// <param name="Until">Days from now at which it ends to count.</param>
    /// <param name="Purpose">Its only purpose, an OID; null for any.</param>
    public sealed record Shape(bool Authority = false, bool Ecdsa = false, int Bits = 2048, int From = -1, int Until = 365, string? Purpose = null);

    /// <summary>A certificate; self-signed without an issuer.</summary>
    public static Signer Make(string name, Shape? shape = null, Signer? issuer = null)
    {
        shape ??= new Shape();
        var (now, subject) = (DateTimeOffset.UtcNow, new X500DistinguishedName($"CN={name}"));
        AsymmetricAlgorithm key = shape.Ecdsa ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(shape.Bits);
        var request = key is RSA rsa ? new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) : new CertificateRequest(subject, (ECDsa)key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(shape.Authority, false, 0, true));
        if (shape.Purpose is not null) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(shape.Purpose)], false));
        var (from, until) = (now.AddDays(shape.From), now.AddDays(shape.Until));
        if (issuer is null) return new Signer(key, request.CreateSelfSigned(from, until));
        var above = issuer._key is RSA r ? X509SignatureGenerator.CreateForRSA(r, RSASignaturePadding.Pkcs1) : X509SignatureGenerator.CreateForECDsa((ECDsa)issuer._key);
        var signer = new Signer(key, request.Create(issuer.Certificate.SubjectName, above, from, until, RandomNumberGenerator.GetBytes(8)));
        signer._above.Add(issuer);
        signer._above.AddRange(issuer._above);
        return signer;
    }

    /// <summary>The <c>.cert</c> file of a manifest: signature, certificate, and those above it except the topmost.</summary>
    /// <param name="manifest">What is signed.</param>
    /// <param name="hash">With which digest.</param>
    /// <param name="reversed">With the certificates in the other order.</param>
    /// <param name="file">Name of the manifest.</param>
    public string Sign(byte[] manifest, HashAlgorithmName? hash = null, bool reversed = false, string file = "probe.mf")
    {
        var digest = hash ?? HashAlgorithmName.SHA256;
        var signature = _key is RSA rsa ? rsa.SignData(manifest, digest, RSASignaturePadding.Pkcs1) : ((ECDsa)_key).SignData(manifest, digest, DSASignatureFormat.Rfc3279DerSequence);
        var chain = new[] { this }.Concat(_above.SkipLast(1)).Select(s => s.Pem);
        return $"{digest.Name}({file})= {Convert.ToHexStringLower(signature)}\n{string.Join('\n', reversed ? chain.Reverse() : chain)}\n";
    }

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }
}
