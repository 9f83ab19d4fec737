using Dapper;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>Self-service: one's own account, password and sessions.</summary>
public sealed class Profile
{
    private readonly Db _db;
    private readonly Guard _guard;
    private readonly AuditLog _audit;
    private readonly Passwords _passwords;
    private readonly SignInThrottle _throttle;
    private readonly AccessSignal _signal;
    private readonly TimeProvider _time;

    internal Profile(Db db, Guard guard, AuditLog audit, Passwords passwords, SignInThrottle throttle, AccessSignal signal, TimeProvider time) =>
        (_db, _guard, _audit, _passwords, _throttle, _signal, _time) = (db, guard, audit, passwords, throttle, signal, time);

    /// <summary>One's open sessions, the latest used first.</summary>
    public async Task<Result<IReadOnlyList<Session>>> SessionsAsync(Caller caller, CancellationToken cancellation)
    {
        if (await RefusedAsync(caller, cancellation) is { } refused) return refused;
        await using var connection = await _db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition("""
            SELECT s.id, s.user_id, s.created_at, s.last_seen_at, s.expires_at, s.address, s.user_agent
            FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.user_id = @UserId AND s.stamp = u.security_stamp AND s.expires_at > @now
            ORDER BY s.last_seen_at DESC, s.id DESC
            """, new { caller.UserId, now = _time.GetUtcNow() }, cancellationToken: cancellation));
        return rows.Select(r => new Session(r.Id, r.UserId, r.CreatedAt, r.LastSeenAt, r.ExpiresAt, r.Address, r.UserAgent, r.Id == caller.SessionId)).ToArray();
    }

    /// <summary>Ends one of one's own sessions.</summary>
    public async Task<Result<Done>> EndSessionAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await RefusedAsync(caller, cancellation) is { } refused) return refused;
        return await EndAsync(caller, "session.end", "id = @id AND user_id = @UserId", id, cancellation) == 0 ? Problem.NotFound("session", id) : Done.It;
    }

    /// <summary>Ends all one's sessions but the present one; returns how many.</summary>
    public async Task<Result<int>> EndOtherSessionsAsync(Caller caller, CancellationToken cancellation)
    {
        if (await RefusedAsync(caller, cancellation) is { } refused) return refused;
        return await EndAsync(caller, "session.end-others", "user_id = @UserId" + (caller.SessionId is null ? "" : " AND id <> @id"), caller.SessionId, cancellation);
    }

    private async Task<int> EndAsync(Caller caller, string action, string which, Guid? id, CancellationToken cancellation)
    {
        var ended = await _db.TransactionAsync(async connection =>
        {
            var count = await connection.ExecuteAsync(new CommandDefinition($"DELETE FROM sessions WHERE {which}", new { id, caller.UserId }, cancellationToken: cancellation));
            if (count > 0) await _audit.WriteAsync(connection, caller, action, $"user:{caller.UserId}", caller.Name, new { sessions = count }, null, cancellation);
            return count;
        }, cancellation);
        _signal.Changed();
        return ended;
    }

    /// <summary>Changes one's own password; ends all other sessions. Wrong present passwords count towards the lock-out.</summary>
    public async Task<Result<Done>> ChangePasswordAsync(Caller caller, string? current, string? next, CancellationToken cancellation)
    {
        if (await RefusedAsync(caller, cancellation) is { } refused) return refused;
        await using var reader = await _db.OpenAsync(cancellation);
        if (await UserStore.FindAsync(reader, caller.UserId!.Value, cancellation) is not { } account) return Problem.NotFound("user", caller.UserId);
        if (!_throttle.Allows(address: null, account.NormalizedUserName))
            return Problem.Conflict("Too many attempts", "Wait a minute before you try again.");
        if (!_passwords.Verify(account, current ?? ""))
            return Problem.Invalid("currentPassword", "This is not your present password.", "Type the password you signed in with.");
        if (_passwords.CheckPassword(next, account.UserName, "newPassword") is { } bad) return Problem.Invalid([bad]);
        var hash = _passwords.Hash(account, next!);
        var changed = await _db.TransactionAsync<Result<Done>>(async connection =>
        {
            var stamp = UserDirectory.NewStamp();
            if (await connection.ExecuteAsync(new CommandDefinition("""
                UPDATE users SET password_hash = @hash, security_stamp = @stamp, concurrency_stamp = @stamp WHERE id = @Id AND concurrency_stamp = @ConcurrencyStamp
                """, new { hash, stamp, account.Id, account.ConcurrencyStamp }, cancellationToken: cancellation)) == 0)
                return Problem.Conflict("The account was changed meanwhile", "Try again.");
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM sessions WHERE user_id = @Id" + (caller.SessionId is null ? "" : " AND id <> @SessionId"), new { account.Id, caller.SessionId }, cancellationToken: cancellation));
            await connection.ExecuteAsync(new CommandDefinition("UPDATE sessions SET stamp = @stamp WHERE user_id = @Id", new { account.Id, stamp }, cancellationToken: cancellation));
            await _audit.WriteAsync(connection, caller, "user.password.change", $"user:{account.Id}", account.UserName, null, null, cancellation);
            return Done.It;
        }, cancellation);
        _signal.Changed();
        return changed;
    }

    private async ValueTask<Problem?> RefusedAsync(Caller caller, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AccessPermissions.Self, "me", cancellation)
        ?? (caller.UserId is null ? Problem.Conflict("There is no user behind this token", "The administrator token of the settings belongs to no user. Sign in, or use a token that a user created.") : null);

    private sealed record Row(Guid Id, Guid UserId, DateTimeOffset CreatedAt, DateTimeOffset LastSeenAt, DateTimeOffset ExpiresAt, string? Address, string? UserAgent);
}
