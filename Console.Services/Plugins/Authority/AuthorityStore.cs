using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Secrets;

namespace Quarterdeck.Plugins.Authority;

/// <summary>Where the authority's certificate and encrypted key are kept; one for all nodes of a database.</summary>
internal sealed class AuthorityStore(Db db, SecretBox secrets, TimeProvider time)
{
    private const string Purpose = "plugins.authority", Id = "appliances";

    /// <summary>The stored authority in PEM, or the one offered when there is none yet (or another node was quicker: then that one's).</summary>
    public async Task<(string Certificate, string Key)> ReadOrAddAsync(Func<(string Certificate, string Key)> make, CancellationToken cancellation)
    {
        if (await ReadAsync(cancellation) is { } there) return there;
        var (certificate, key) = make();
        await using (var connection = await db.OpenAsync(cancellation))
            await connection.ExecuteAsync(
                "INSERT INTO plugin_authority (id, certificate, private_key, created_at) VALUES (@Id, @certificate, @key, @now) ON CONFLICT (id) DO NOTHING",
                new { Id, certificate, key = secrets.Protect(Purpose, key), now = time.GetUtcNow() });
        return (await ReadAsync(cancellation))!.Value;
    }

    private async Task<(string Certificate, string Key)?> ReadAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Row>("SELECT certificate, private_key FROM plugin_authority WHERE id = @Id", new { Id });
        return row is null ? null : (row.Certificate, secrets.Unprotect(Purpose, row.PrivateKey));
    }

    private sealed record Row(string Certificate, string PrivateKey);
}
