using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Access.Tokens;

/// <summary>SQL of API tokens; each change and its audit entry are one transaction.</summary>
internal sealed class TokenStore(Db db, AuditLog audit, AccessSignal signal, TimeProvider time)
{
    internal const string Prefix = "qd_";
    private const string Columns = "t.id, t.name, t.role, t.scopes, t.owner_id, t.created_by, t.created_at, t.expires_at, t.last_used_at";

    private sealed record Row(Guid Id, string Name, Role Role, string? Scopes, Guid? OwnerId, string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt)
    {
        internal ApiToken Token => new(Id, Name, Role, Scopes is null ? null : JsonSerializer.Deserialize<string[]>(Scopes), OwnerId, CreatedBy, CreatedAt, ExpiresAt, LastUsedAt);
    }

    internal sealed record Known(Guid Id, string Name, Role Role, string? Scopes, Guid? OwnerId, DateTimeOffset? ExpiresAt, Role? OwnerRole);

    /// <summary>256 random bits need no salt and no slow hash.</summary>
    internal static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    internal async Task<Page<ApiToken>> ListAsync(Guid? owner, bool all, PageQuery page, CancellationToken cancellation)
    {
        var order = SortOrder.Of(page.Sort, "t.created_at DESC", ("name", "t.name"), ("role", "t.role"), ("createdAt", "t.created_at"), ("expiresAt", "t.expires_at"), ("lastUsedAt", "t.last_used_at"));
        List<string> terms = [];
        if (!all) terms.Add("t.owner_id = @owner");
        if (page.Search is not null) terms.Add($"({db.Dialect.Like("t.name", "find")} OR {db.Dialect.Like("t.created_by", "find")})");
        var where = terms.Count == 0 ? "" : "WHERE " + string.Join(" AND ", terms);
        var arguments = new { owner, find = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM api_tokens t {where}", arguments, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM api_tokens t {where} ORDER BY {order}, t.id LIMIT @size OFFSET @offset", arguments, cancellationToken: cancellation));
        return new Page<ApiToken>([.. rows.Select(r => r.Token)], total, page.Number, page.Size);
    }

    internal async Task<ApiToken?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM api_tokens t WHERE t.id = @id", new { id }, cancellationToken: cancellation)))?.Token;
    }

    /// <summary>By the secret's hash; null when unknown or its owner is disabled.</summary>
    internal async Task<Known?> FindAsync(string hash, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<Known>(new CommandDefinition("""
            SELECT t.id, t.name, t.role, t.scopes, t.owner_id, t.expires_at, u.role AS owner_role
            FROM api_tokens t LEFT JOIN users u ON u.id = t.owner_id
            WHERE t.hash = @hash AND (t.owner_id IS NULL OR NOT u.disabled)
            """, new { hash }, cancellationToken: cancellation));
    }

    internal Task<IssuedToken> CreateAsync(Caller caller, string name, Role role, IReadOnlyList<string>? scopes, DateTimeOffset? expiresAt, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().Stored();
        var secret = Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var token = new ApiToken(Guid.CreateVersion7(now), name, role, scopes, caller.UserId, caller.Name, now, expiresAt?.ToUniversalTime().Stored(), null);
        return db.TransactionAsync(async connection =>
        {
            await connection.ExecuteAsync(new CommandDefinition("""
                INSERT INTO api_tokens (id, name, hash, role, scopes, owner_id, created_by, created_at, expires_at)
                VALUES (@Id, @Name, @hash, @role, @scopes, @OwnerId, @CreatedBy, @CreatedAt, @ExpiresAt)
                """, new
            {
                token.Id, token.Name, hash = Hash(secret), role = role.ToColumn(), scopes = scopes is null ? null : JsonSerializer.Serialize(scopes),
                token.OwnerId, token.CreatedBy, token.CreatedAt, token.ExpiresAt,
            }, cancellationToken: cancellation));
            await audit.WriteAsync(connection, caller, "token.create", $"token:{token.Id}", name, null, new { name, role, scopes, expiresAt }, cancellation);
            return new IssuedToken(token, secret);
        }, cancellation);
    }

    internal async Task<bool> DeleteAsync(Caller caller, ApiToken token, CancellationToken cancellation)
    {
        var deleted = await db.TransactionAsync(async connection =>
        {
            if (await connection.ExecuteAsync(new CommandDefinition("DELETE FROM api_tokens WHERE id = @Id", new { token.Id }, cancellationToken: cancellation)) == 0) return false;
            await audit.WriteAsync(connection, caller, "token.revoke", $"token:{token.Id}", token.Name, new { token.Name, token.Role, token.Scopes, token.ExpiresAt }, null, cancellation);
            return true;
        }, cancellation);
        signal.Changed();
        return deleted;
    }

    internal async Task UsedAsync(IReadOnlyList<(Guid Id, DateTimeOffset At)> uses, CancellationToken cancellation) =>
        await db.TransactionAsync(async connection =>
        {
            foreach (var (id, at) in uses)
                await connection.ExecuteAsync(new CommandDefinition("UPDATE api_tokens SET last_used_at = @at WHERE id = @id AND COALESCE(last_used_at, 0) < @at", new { id, at }, cancellationToken: cancellation));
        }, cancellation);
}
