using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Access;
using Quarterdeck.Appliances.Signatures;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances;

/// <summary>Whose packages are trusted. A package that one of them signed is deployed without <see cref="ApplianceSpec.AllowUnsigned"/>; one of a publisher whose trust was withdrawn is never deployed.</summary>
public sealed class Publishers
{
    private const int MaxPem = 64 << 10;
    private readonly PublisherStore _store;
    private readonly Guard _guard;
    private readonly TimeProvider _time;

    internal Publishers(PublisherStore store, Guard guard, TimeProvider time) => (_store, _guard, _time) = (store, guard, time);

    /// <summary>One page, those whose trust was withdrawn included. Sorts by <c>name</c>, <c>subject</c>, <c>addedAt</c>, <c>validUntil</c>; searches name, subject and fingerprint.</summary>
    public async Task<Result<Page<TrustedPublisher>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AppliancePermissions.ReadPublishers, "publisher", cancellation) is { } refused ? refused : await _store.ListAsync(page, cancellation);

    /// <summary>One publisher; <c>NotFound</c> otherwise.</summary>
    public async Task<Result<TrustedPublisher>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.ReadPublishers, $"publisher:{id}", cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } found ? found : Problem.NotFound("publisher", id);
    }

    /// <summary>Trusts a publisher by certificate. One whose trust was withdrawn is trusted again.</summary>
    /// <returns><c>Invalid</c> for what is no certificate, has expired or is too weak; <c>Conflict</c> for a certificate or name that is there already.</returns>
    public async Task<Result<TrustedPublisher>> AddAsync(Caller caller, NewPublisher publisher, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.ManagePublishers, "publisher", cancellation) is { } refused) return refused;
        if (publisher.Name?.Trim() is { } given && (given.Length is 0 or > 100 || given.Any(char.IsControl))) return Problem.Invalid("name", "A name of 1 to 100 characters is needed.", "Say whose packages these are, or leave the name out.");
        if (!Read(publisher.Certificate).TryGet(out var certificate, out var wrong)) return wrong;
        using (certificate)
        {
            if (Weakness(certificate) is { } weak) return weak;
            var name = publisher.Name?.Trim() ?? Shown(certificate);
            var now = _time.GetUtcNow().Stored();
            return await _store.AddAsync(caller, new TrustedPublisher(
                Guid.CreateVersion7(now), name, certificate.Subject, certificate.Issuer, Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256)), CertificateFacts.IsAuthority(certificate),
                certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime(), now, caller.Name, null), certificate.ExportCertificatePem(), cancellation);
        }
    }

    /// <summary>Withdraws the trust: from now on packages that they signed are refused. The publisher stays in the list.</summary>
    public async Task<Result<Done>> RevokeAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.ManagePublishers, $"publisher:{id}", cancellation) is { } refused) return refused;
        return await _store.RevokeAsync(caller, id, cancellation) ? Done.It : Problem.NotFound("publisher", id);
    }

    private static Result<X509Certificate2> Read(string? pem)
    {
        const string Remedy = "Paste one certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.";
        if (string.IsNullOrWhiteSpace(pem)) return Problem.Invalid("certificate", "It is missing.", Remedy);
        if (pem.Length > MaxPem) return Problem.Invalid("certificate", $"It has more than {MaxPem >> 10} KiB.", Remedy);
        if (pem.Contains("PRIVATE KEY", StringComparison.Ordinal)) return Problem.Invalid("certificate", "There is a private key in it, which the console must not have.", "Send the certificate alone; if the key was shown to others, let the publisher know.");
        var all = new X509Certificate2Collection();
        try { all.ImportFromPem(pem); }
        catch (CryptographicException) { return Problem.Invalid("certificate", "It is no certificate in PEM.", Remedy); }
        if (all.Count == 1) return all[0];
        foreach (var one in all) one.Dispose();
        return Problem.Invalid("certificate", all.Count == 0 ? "It is no certificate in PEM." : $"There are {all.Count} certificates in it.", Remedy);
    }

    private Problem? Weakness(X509Certificate2 certificate)
    {
        if (certificate.NotAfter.ToUniversalTime() <= _time.GetUtcNow().UtcDateTime) return Problem.Invalid("certificate", $"It expired on {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}.", "Ask the publisher for the present one.");
        if (CertificateFacts.WeakKey(certificate) is { } weak) return Problem.Invalid("certificate", weak, "Ask the publisher for a certificate with RSA of at least 2048 bits, or ECDSA.");
        return null;
    }

    private static string Shown(X509Certificate2 certificate)
    {
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (string.IsNullOrWhiteSpace(name)) name = certificate.Subject;
        name = new string([.. name.Where(c => !char.IsControl(c))]);
        return name.Length > 100 ? name[..100] : name.Length == 0 ? "Publisher" : name;
    }
}
