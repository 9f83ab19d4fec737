using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Extensions.Options;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Database;

namespace Quarterdeck.Access;

/// <summary>Opens, finds, prolongs and ends login sessions; the machinery behind the cookie, so it takes no caller.</summary>
public sealed class SessionKeeper
{
    // While the session and its user's stamp agree, and the user may still sign in.
    private const string Live = """
        SELECT s.id AS session_id, s.user_id, u.user_name, u.role, s.created_at, s.last_seen_at, s.expires_at
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.stamp = u.security_stamp AND NOT u.disabled AND s.expires_at > @now
        """;

    private readonly Db _db;
    private readonly AccessSignal _signal;
    private readonly AccessOptions _options;
    private readonly TimeProvider _time;

    internal SessionKeeper(Db db, AccessSignal signal, IOptions<AccessOptions> options, TimeProvider time) =>
        (_db, _signal, _options, _time) = (db, signal, options.Value, time);

    /// <summary>Raised when a session may have ended, on any thread; ask <see cref="FindAsync(Guid, CancellationToken)"/> then.</summary>
    public event Action? MayHaveEnded
    {
        add => _signal.Raised += value;
        remove => _signal.Raised -= value;
    }

    /// <summary>Opens a session for a user who has just proved who they are; returns the key for the cookie, which is stored nowhere.</summary>
    public async Task<string> OpenAsync(Guid userId, string? address, string? userAgent, CancellationToken cancellation)
    {
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var now = _time.GetUtcNow();
        await _db.TransactionAsync(async connection =>
        {
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM sessions WHERE expires_at <= @now", new { now }, cancellationToken: cancellation));
            await connection.ExecuteAsync(new CommandDefinition("""
                INSERT INTO sessions (id, key_hash, user_id, stamp, created_at, last_seen_at, expires_at, address, user_agent)
                SELECT @id, @hash, u.id, u.security_stamp, @now, @now, @expires, @address, @userAgent FROM users u WHERE u.id = @userId
                """, new { id = Guid.CreateVersion7(now), hash = Hash(key), userId, now, expires = now + _options.SessionIdle, address, userAgent = Short(userAgent) }, cancellationToken: cancellation));
        }, cancellation);
        return key;
    }

    /// <summary>The session of a cookie's key; null when it has ended.</summary>
    public async Task<LiveSession?> FindAsync(string key, CancellationToken cancellation)
    {
        await using var connection = await _db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<LiveSession>(new CommandDefinition(
            $"{Live} AND s.key_hash = @hash", new { hash = Hash(key), now = _time.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>The session with this id; null when it has ended.</summary>
    public async Task<LiveSession?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await _db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<LiveSession>(new CommandDefinition(
            $"{Live} AND s.id = @id", new { id, now = _time.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>Notes a use and prolongs the session; writes at most once a minute.</summary>
    public async Task TouchAsync(Guid id, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        await using var connection = await _db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE sessions SET last_seen_at = @now, expires_at = @expires WHERE id = @id AND last_seen_at <= @before",
            new { id, now, expires = now + _options.SessionIdle, before = now.AddMinutes(-1) }, cancellationToken: cancellation));
    }

    /// <summary>Ends the session of a cookie's key: the user signed out.</summary>
    public async Task EndAsync(string key, CancellationToken cancellation)
    {
        await using (var connection = await _db.OpenAsync(cancellation))
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM sessions WHERE key_hash = @hash", new { hash = Hash(key) }, cancellationToken: cancellation));
        _signal.Changed();
    }

    /// <summary>256 random bits need no salt and no slow hash.</summary>
    private static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static string? Short(string? text) => text is { Length: > 400 } ? text[..400] : text;
}
