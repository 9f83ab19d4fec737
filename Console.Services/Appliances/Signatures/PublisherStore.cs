using Dapper;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Signatures;

/// <summary>A publisher with its certificate.</summary>
internal sealed record KnownPublisher(string Name, string Fingerprint, string Certificate, DateTimeOffset? RevokedAt);

/// <summary>SQL of trusted publishers; each change and its audit entry are one transaction.</summary>
internal sealed class PublisherStore(Db db, AuditLog audit, TimeProvider time)
{
    private const string Columns = "id, name, subject, issuer, fingerprint, authority, valid_from, valid_until, added_at, added_by, revoked_at";

    public async Task<Page<TrustedPublisher>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "name";
        var column = sort.TrimStart('-') switch { "subject" => "subject", "addedAt" => "added_at", "validUntil" => "valid_until", _ => "name" };
        var where = page.Search is null ? "" : $"WHERE ({db.Dialect.Like("name", "find")} OR {db.Dialect.Like("subject", "find")} OR {db.Dialect.Like("fingerprint", "find")})";
        var arguments = new { find = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM publishers {where}", arguments, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<TrustedPublisher>(new CommandDefinition($"SELECT {Columns} FROM publishers {where} ORDER BY {column} {(sort.StartsWith('-') ? "DESC" : "ASC")}, id LIMIT @size OFFSET @offset", arguments, cancellationToken: cancellation));
        return new Page<TrustedPublisher>([.. rows], total, page.Number, page.Size);
    }

    public async Task<TrustedPublisher?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<TrustedPublisher>(new CommandDefinition($"SELECT {Columns} FROM publishers WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>All of them, the withdrawn ones included, with their certificates.</summary>
    public async Task<IReadOnlyList<KnownPublisher>> AllAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<KnownPublisher>(new CommandDefinition("SELECT name, fingerprint, certificate, revoked_at FROM publishers", cancellationToken: cancellation))];
    }

    public Task<Result<TrustedPublisher>> AddAsync(Caller caller, TrustedPublisher publisher, string pem, CancellationToken cancellation) =>
        db.TransactionAsync<Result<TrustedPublisher>>(async connection =>
        {
            var there = await connection.QuerySingleOrDefaultAsync<TrustedPublisher>(new CommandDefinition($"SELECT {Columns} FROM publishers WHERE fingerprint = @Fingerprint", new { publisher.Fingerprint }, cancellationToken: cancellation));
            if (there is { RevokedAt: null }) return Problem.Conflict("The certificate is trusted already", $"It is in the list as '{there.Name}'.");
            if (await connection.ExecuteScalarAsync<int>(new CommandDefinition("SELECT COUNT(*) FROM publishers WHERE name = @Name AND fingerprint <> @Fingerprint AND revoked_at IS NULL", publisher, cancellationToken: cancellation)) > 0)
                return Problem.Conflict("The name is taken", $"There is a publisher '{publisher.Name}' with another certificate. Choose another name, or withdraw the trust in the old certificate first.");
            if (there is not null)
            {
                publisher = publisher with { Id = there.Id };
                await connection.ExecuteAsync(new CommandDefinition("UPDATE publishers SET name = @Name, added_at = @AddedAt, added_by = @AddedBy, revoked_at = NULL WHERE id = @Id", publisher, cancellationToken: cancellation));
            }
            else
                await connection.ExecuteAsync(new CommandDefinition("""
                    INSERT INTO publishers (id, name, subject, issuer, fingerprint, authority, certificate, valid_from, valid_until, added_at, added_by)
                    VALUES (@Id, @Name, @Subject, @Issuer, @Fingerprint, @Authority, @pem, @ValidFrom, @ValidUntil, @AddedAt, @AddedBy)
                    """, new
                {
                    publisher.Id, publisher.Name, publisher.Subject, publisher.Issuer, publisher.Fingerprint, publisher.Authority, pem, publisher.ValidFrom, publisher.ValidUntil, publisher.AddedAt, publisher.AddedBy,
                }, cancellationToken: cancellation));
            await audit.WriteAsync(connection, caller, "publisher.add", $"publisher:{publisher.Id}", publisher.Name, there, publisher, cancellation);
            return publisher;
        }, cancellation);

    /// <summary>False when there is no such publisher. One that was withdrawn stays so.</summary>
    public async Task<bool> RevokeAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        await db.TransactionAsync(async connection =>
        {
            var there = await connection.QuerySingleOrDefaultAsync<TrustedPublisher>(new CommandDefinition($"SELECT {Columns} FROM publishers WHERE id = @id", new { id }, cancellationToken: cancellation));
            if (there is null) return false;
            if (there.RevokedAt is not null) return true;
            var now = time.GetUtcNow().Stored();
            await connection.ExecuteAsync(new CommandDefinition("UPDATE publishers SET revoked_at = @now WHERE id = @id", new { id, now }, cancellationToken: cancellation));
            await audit.WriteAsync(connection, caller, "publisher.revoke", $"publisher:{id}", there.Name, there, there with { RevokedAt = now }, cancellation);
            return true;
        }, cancellation);
}
