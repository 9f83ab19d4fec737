using Dapper;
using Microsoft.AspNetCore.Identity;

namespace Quarterdeck.Access.Accounts;

/// <summary>Lock-out. Each method writes at once and adds in SQL: guesses made at the same time, on any node, are all counted.</summary>
internal sealed partial class UserStore : IUserLockoutStore<UserAccount>
{
    public Task<DateTimeOffset?> GetLockoutEndDateAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult(user.LockoutEnd);

    public Task SetLockoutEndDateAsync(UserAccount user, DateTimeOffset? lockoutEnd, CancellationToken cancellationToken)
    {
        user.LockoutEnd = lockoutEnd;
        return WriteAsync("UPDATE users SET lockout_end = @LockoutEnd WHERE id = @Id", user, cancellationToken);
    }

    public async Task<int> IncrementAccessFailedCountAsync(UserAccount user, CancellationToken cancellationToken)
    {
        await using var connection = await db.OpenAsync(cancellationToken);
        return user.AccessFailedCount = await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            "UPDATE users SET access_failed_count = access_failed_count + 1 WHERE id = @Id RETURNING access_failed_count", new { user.Id }, cancellationToken: cancellationToken));
    }

    public Task ResetAccessFailedCountAsync(UserAccount user, CancellationToken cancellationToken)
    {
        user.AccessFailedCount = 0;
        return WriteAsync("UPDATE users SET access_failed_count = 0 WHERE id = @Id", user, cancellationToken);
    }

    public Task<int> GetAccessFailedCountAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult(user.AccessFailedCount);

    public Task<bool> GetLockoutEnabledAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task SetLockoutEnabledAsync(UserAccount user, bool enabled, CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task WriteAsync(string sql, UserAccount user, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(sql, new { user.Id, user.LockoutEnd }, cancellationToken: cancellation));
    }
}
