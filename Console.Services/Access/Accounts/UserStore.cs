using System.Data.Common;
using Dapper;
using Microsoft.AspNetCore.Identity;
using Quarterdeck.Database;

namespace Quarterdeck.Access.Accounts;

/// <summary>Identity's store over Dapper. Two-factor, passkeys and external logins add their interfaces as further parts of this class.</summary>
internal sealed partial class UserStore(Db db) : IUserPasswordStore<UserAccount>, IUserSecurityStampStore<UserAccount>
{
    internal const string Columns = "id, user_name, normalized_user_name, password_hash, security_stamp, concurrency_stamp, role, disabled, access_failed_count, lockout_end, created_at, last_login_at";

    public void Dispose() { }

    public async Task<IdentityResult> CreateAsync(UserAccount user, CancellationToken cancellationToken)
    {
        await using var connection = await db.OpenAsync(cancellationToken);
        return await InsertAsync(connection, user, cancellationToken)
            ? IdentityResult.Success
            : IdentityResult.Failed(new IdentityErrorDescriber().DuplicateUserName(user.UserName));
    }

    /// <summary>False when the name is taken.</summary>
    internal static async Task<bool> InsertAsync(DbConnection connection, UserAccount user, CancellationToken cancellation) =>
        await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO users (id, user_name, normalized_user_name, password_hash, security_stamp, concurrency_stamp, role, disabled, created_at)
            VALUES (@Id, @UserName, @NormalizedUserName, @PasswordHash, @SecurityStamp, @ConcurrencyStamp, @RoleName, @Disabled, @CreatedAt)
            ON CONFLICT (normalized_user_name) DO NOTHING
            """, Parameters(user), cancellationToken: cancellation)) == 1;

    public async Task<IdentityResult> UpdateAsync(UserAccount user, CancellationToken cancellationToken)
    {
        var next = Guid.NewGuid().ToString("N");
        await using var connection = await db.OpenAsync(cancellationToken);
        var rows = await connection.ExecuteAsync(new CommandDefinition("""
            UPDATE users SET user_name = @UserName, normalized_user_name = @NormalizedUserName, password_hash = @PasswordHash,
              security_stamp = @SecurityStamp, role = @RoleName, disabled = @Disabled, last_login_at = @LastLoginAt, concurrency_stamp = @Next
            WHERE id = @Id AND concurrency_stamp = @ConcurrencyStamp
            """, Parameters(user, next), cancellationToken: cancellationToken));
        if (rows == 0) return IdentityResult.Failed(new IdentityErrorDescriber().ConcurrencyFailure());
        user.ConcurrencyStamp = next;
        return IdentityResult.Success;
    }

    public async Task<IdentityResult> DeleteAsync(UserAccount user, CancellationToken cancellationToken)
    {
        await using var connection = await db.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM users WHERE id = @Id", new { user.Id }, cancellationToken: cancellationToken));
        return IdentityResult.Success;
    }

    public async Task<UserAccount?> FindByIdAsync(string userId, CancellationToken cancellationToken)
    {
        if (!Guid.TryParse(userId, out var id)) return null;
        await using var connection = await db.OpenAsync(cancellationToken);
        return await FindAsync(connection, id, cancellationToken);
    }

    internal static Task<UserAccount?> FindAsync(DbConnection connection, Guid id, CancellationToken cancellation) =>
        connection.QuerySingleOrDefaultAsync<UserAccount>(new CommandDefinition($"SELECT {Columns} FROM users WHERE id = @id", new { id }, cancellationToken: cancellation));

    public async Task<UserAccount?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken)
    {
        await using var connection = await db.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<UserAccount>(new CommandDefinition(
            $"SELECT {Columns} FROM users WHERE normalized_user_name = @normalizedUserName", new { normalizedUserName }, cancellationToken: cancellationToken));
    }

    public Task<string> GetUserIdAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult(user.Id.ToString());

    public Task<string?> GetUserNameAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.UserName);

    public Task SetUserNameAsync(UserAccount user, string? userName, CancellationToken cancellationToken)
    {
        user.UserName = userName ?? "";
        return Task.CompletedTask;
    }

    public Task<string?> GetNormalizedUserNameAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.NormalizedUserName);

    public Task SetNormalizedUserNameAsync(UserAccount user, string? normalizedName, CancellationToken cancellationToken)
    {
        user.NormalizedUserName = normalizedName ?? "";
        return Task.CompletedTask;
    }

    public Task SetPasswordHashAsync(UserAccount user, string? passwordHash, CancellationToken cancellationToken)
    {
        user.PasswordHash = passwordHash;
        return Task.CompletedTask;
    }

    public Task<string?> GetPasswordHashAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult(user.PasswordHash);

    public Task<bool> HasPasswordAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult(user.PasswordHash is not null);

    public Task SetSecurityStampAsync(UserAccount user, string stamp, CancellationToken cancellationToken)
    {
        user.SecurityStamp = stamp;
        return Task.CompletedTask;
    }

    public Task<string?> GetSecurityStampAsync(UserAccount user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.SecurityStamp);

    internal static object Parameters(UserAccount user, string? next = null) => new
    {
        user.Id, user.UserName, user.NormalizedUserName, user.PasswordHash, user.SecurityStamp, user.ConcurrencyStamp,
        RoleName = user.Role.ToColumn(), user.Disabled, user.CreatedAt, user.LastLoginAt, Next = next,
    };
}
