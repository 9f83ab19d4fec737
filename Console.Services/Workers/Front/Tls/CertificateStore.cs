using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Secrets;

namespace Quarterdeck.Workers.Front.Tls;

/// <summary>Certificates and challenges in the database; keys are encrypted.</summary>
internal sealed class CertificateStore(Db db, SecretBox secrets, TimeProvider time)
{
    private const string Purpose = "workers.zone-certificate";

    public async Task<StoredCertificate?> FindAsync(string hostname, CancellationToken cancellation) => (await LoadAsync([hostname], cancellation)).SingleOrDefault();

    /// <summary>Those of these zones; of all when null.</summary>
    public async Task<IReadOnlyList<StoredCertificate>> LoadAsync(IReadOnlyList<string>? hostnames, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<CertificateRow>(new CommandDefinition(
            "SELECT hostname, origin, chain, private_key, changed_at FROM zone_certificates" + (hostnames is null ? "" : " WHERE hostname IN @hostnames"), new { hostnames }, cancellationToken: cancellation));
        return [.. rows.Select(r => new StoredCertificate(r.Hostname, EnumColumn.FromColumn<CertificateOrigin>(r.Origin), r.Chain, secrets.Unprotect(Purpose, r.PrivateKey), r.ChangedAt))];
    }

    public async Task PutAsync(StoredCertificate certificate, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO zone_certificates (hostname, origin, chain, private_key, changed_at) VALUES (@Hostname, @origin, @Chain, @key, @ChangedAt)
            ON CONFLICT (hostname) DO UPDATE SET origin = excluded.origin, chain = excluded.chain, private_key = excluded.private_key, changed_at = excluded.changed_at
            """, new { certificate.Hostname, origin = certificate.Origin.ToColumn(), certificate.Chain, key = secrets.Protect(Purpose, certificate.Key), certificate.ChangedAt }, cancellationToken: cancellation));
    }

    public async Task DeleteAsync(string hostname, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM zone_certificates WHERE hostname = @hostname", new { hostname }, cancellationToken: cancellation));
    }

    /// <summary>Challenges that may still be asked for, by <see cref="StoredChallenge.KeyOf"/>; all when null.</summary>
    public async Task<IReadOnlyList<StoredChallenge>> ChallengesAsync(IReadOnlyList<string>? keys, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<StoredChallenge>(new CommandDefinition(
            "SELECT hostname, token, key_authorization, expires_at FROM zone_challenges WHERE expires_at > @now" + (keys is null ? "" : " AND hostname || '/' || token IN @keys"),
            new { keys, now = time.GetUtcNow() }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Stores one, and forgets those that expired.</summary>
    public async Task PutChallengeAsync(StoredChallenge challenge, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM zone_challenges WHERE expires_at <= @now", new { now = time.GetUtcNow() }, cancellationToken: cancellation));
        await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO zone_challenges (hostname, token, key_authorization, expires_at) VALUES (@Hostname, @Token, @KeyAuthorization, @ExpiresAt)
            ON CONFLICT (hostname, token) DO UPDATE SET key_authorization = excluded.key_authorization, expires_at = excluded.expires_at
            """, challenge, cancellationToken: cancellation));
    }

    public async Task DeleteChallengeAsync(string hostname, string token, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM zone_challenges WHERE hostname = @hostname AND token = @token", new { hostname, token }, cancellationToken: cancellation));
    }

    private sealed record CertificateRow(string Hostname, string Origin, string Chain, string PrivateKey, DateTimeOffset ChangedAt);
}
