using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Authority;

namespace Quarterdeck.Plugins;

/// <summary>The console's own certificate authority for appliances: ECDSA P-256, made once, its key encrypted in the database.</summary>
/// <remarks>It signs the appliance listener's certificate, and client certificates of plug-ins; nothing else trusts it.</remarks>
public sealed class ConsoleAuthority : IDisposable
{
    private static readonly TimeSpan Backdate = TimeSpan.FromHours(1), ServerLife = TimeSpan.FromDays(90), AuthorityLife = TimeSpan.FromDays(3650);
    private readonly AuthorityStore _store;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _once = new(1);
    private X509Certificate2? _authority;

    internal ConsoleAuthority(AuthorityStore store, TimeProvider time) => (_store, _time) = (store, time);

    /// <summary>The authority's certificate in PEM: what appliances trust.</summary>
    public async Task<string> CertificateAsync(CancellationToken cancellation) => (await AuthorityAsync(cancellation)).ExportCertificatePem() + "\n";

    /// <summary>A new certificate for the appliance listener, valid for 90 days.</summary>
    /// <param name="names">Host names and IP addresses it is reached by.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<X509Certificate2> ServerCertificateAsync(IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Quarterdeck appliance listener", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
            if (IPAddress.TryParse(name, out var address)) alternatives.AddIpAddress(address);
            else alternatives.AddDnsName(name);
        request.CertificateExtensions.Add(alternatives.Build());
        using var signed = Sign(await AuthorityAsync(cancellation), request, "1.3.6.1.5.5.7.3.1", ServerLife);
        using var whole = signed.CopyWithPrivateKey(key);
        // Kestrel wants a key that is not bound to this object.
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>A client certificate for a plug-in, in PEM; of the request only the public key is taken.</summary>
    /// <param name="request">PKCS#10 in PEM.</param>
    /// <param name="pluginId">Becomes the subject.</param>
    /// <param name="life">How long it is valid.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Refused when the request is damaged, its key is weak, or it asks for an authority.</returns>
    public async Task<Result<string>> ClientCertificateAsync(string request, Guid pluginId, TimeSpan life, CancellationToken cancellation)
    {
        if (ClientRequest.Read(request) is not { } key) return Wrong("It is not usable.", "Send PKCS#10 in PEM with an ECDSA key (P-256 or P-384) or an RSA key of 2048 to 4096 bits, signed with SHA-256 or better.");
        if (key.AsksForAuthority) return Wrong("It asks for a certificate authority.", "Leave the basic constraints out.");
        var ours = new CertificateRequest(new X500DistinguishedName($"CN={pluginId:D}"), key.Key, HashAlgorithmName.SHA256);
        using var signed = Sign(await AuthorityAsync(cancellation), ours, "1.3.6.1.5.5.7.3.2", life);
        return signed.ExportCertificatePem() + "\n";

        static Problem Wrong(string message, string remedy) => Problem.Invalid("certificateRequest", message, remedy);
    }

    private X509Certificate2 Sign(X509Certificate2 authority, CertificateRequest request, string usage, TimeSpan life)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var now = _time.GetUtcNow();
        var until = now + life;
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        using var key = authority.GetECDsaPrivateKey()!;
        return request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key), now - Backdate, until < authority.NotAfter ? until : authority.NotAfter, serial);
    }

    private async Task<X509Certificate2> AuthorityAsync(CancellationToken cancellation)
    {
        if (_authority is not null) return _authority;
        await _once.WaitAsync(cancellation);
        try
        {
            if (_authority is not null) return _authority;
            var (certificate, key) = await _store.ReadOrAddAsync(Make, cancellation);
            return _authority = X509Certificate2.CreateFromPem(certificate, key);
        }
        finally { _once.Release(); }
    }

    private (string Certificate, string Key) Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = $"CN=Quarterdeck appliance authority {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = _time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - Backdate, now + AuthorityLife);
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _authority?.Dispose();
        _once.Dispose();
    }
}
