using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Front.Tls;

namespace Quarterdeck.Workers;

/// <summary>Certificates of zones, and the challenges by which an authority's client gets new ones.</summary>
public sealed class ZoneCertificates
{
    private readonly CertificateStore _store;
    private readonly WorkerTable _table;
    private readonly Guard _guard;
    private readonly AuditLog _audit;
    private readonly EventStream<StoredCertificate> _stream;
    private readonly EventStream<StoredChallenge> _challenges;
    private readonly TimeProvider _time;

    internal ZoneCertificates(
        CertificateStore store, WorkerTable table, Guard guard, AuditLog audit, EventStream<StoredCertificate> stream, EventStream<StoredChallenge> challenges, TimeProvider time) =>
        (_store, _table, _guard, _audit, _stream, _challenges, _time) = (store, table, guard, audit, stream, challenges, time);

    /// <summary>A zone's certificate; not found when none was sent in or generated: then visitors see one that each node signs for itself.</summary>
    public async Task<Result<ZoneCertificate>> GetAsync(Caller caller, string hostname, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, Target(hostname), cancellation) is { } refused) return refused;
        return await _store.FindAsync(Name(hostname), cancellation) is { } stored ? stored.Describe() : Problem.NotFound("certificate of a zone", hostname);
    }

    /// <summary>Replaces a zone's certificate. New connections see it at once, on every node.</summary>
    /// <returns>Refused, naming the field, when it does not fit its key or the zone, has expired, or is weak.</returns>
    public async Task<Result<ZoneCertificate>> PutAsync(Caller caller, string hostname, NewCertificate wanted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageZones, Target(hostname), cancellation) is { } refused) return refused;
        var name = Name(hostname);
        if (!_table.Current.Zones.ContainsKey(name)) return Problem.NotFound("zone", hostname);
        var now = _time.GetUtcNow();
        var pair = wanted switch
        {
            { Generate: true, Certificate: null, PrivateKey: null } => SelfSigned.Make(name, now),
            { Generate: false } => CertificatePair.Read(name, wanted.Certificate, wanted.PrivateKey, now),
            _ => Problem.Invalid("generate", "A certificate was sent as well.", "Send either a certificate with its key, or generate: true."),
        };
        if (!pair.TryGet(out var checkedPair, out var problem)) return problem;
        var before = await _store.FindAsync(name, cancellation);
        var stored = new StoredCertificate(name, wanted.Generate ? CertificateOrigin.Generated : CertificateOrigin.Uploaded, checkedPair.Chain, checkedPair.Key, now);
        await _store.PutAsync(stored, cancellation);
        _stream.Changed(name);
        await _audit.WriteAsync(caller, "zone.certificate.put", Target(name), name, before?.Describe(), stored.Describe(), cancellation);
        return stored.Describe();
    }

    /// <summary>Forgets a zone's certificate and key.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, string hostname, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageZones, Target(hostname), cancellation) is { } refused) return refused;
        var name = Name(hostname);
        if (await _store.FindAsync(name, cancellation) is not { } before) return Problem.NotFound("certificate of a zone", hostname);
        await _store.DeleteAsync(name, cancellation);
        _stream.Changed(name);
        await _audit.WriteAsync(caller, "zone.certificate.delete", Target(name), name, before.Describe(), null, cancellation);
        return Done.It;
    }

    /// <summary>Lets every node answer <c>/.well-known/acme-challenge/{token}</c> of a zone for an hour.</summary>
    public async Task<Result<Done>> PutChallengeAsync(Caller caller, string hostname, string token, NewChallenge wanted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageZones, Target(hostname), cancellation) is { } refused) return refused;
        var name = Name(hostname);
        if (!_table.Current.Zones.ContainsKey(name)) return Problem.NotFound("zone", hostname);
        if (StoredChallenge.Wrong(token, wanted.KeyAuthorization) is { } wrong) return wrong;
        await _store.PutChallengeAsync(new StoredChallenge(name, token, wanted.KeyAuthorization!, _time.GetUtcNow() + StoredChallenge.Life), cancellation);
        _challenges.Changed(StoredChallenge.KeyOf(name, token));
        return Done.It;
    }

    /// <summary>Stops answering a challenge.</summary>
    public async Task<Result<Done>> DeleteChallengeAsync(Caller caller, string hostname, string token, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageZones, Target(hostname), cancellation) is { } refused) return refused;
        await _store.DeleteChallengeAsync(Name(hostname), token, cancellation);
        _challenges.Changed(StoredChallenge.KeyOf(Name(hostname), token));
        return Done.It;
    }

    private static string Name(string hostname) => hostname.ToLowerInvariant();

    private static string Target(string hostname) => $"zone:{Name(hostname)}";
}
