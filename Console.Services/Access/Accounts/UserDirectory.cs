using System.Data.Common;
using Dapper;
using Microsoft.AspNetCore.Identity;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Access.Accounts;

/// <summary>SQL of users for administration; each change and its audit entry are one transaction.</summary>
internal sealed class UserDirectory(Db db, AuditLog audit, Passwords passwords, ILookupNormalizer normalizer, AccessSignal signal, TimeProvider time)
{
    private const string Select = """
        SELECT u.id, u.user_name, u.role, u.disabled, u.lockout_end, u.created_at, u.last_login_at,
          (SELECT COUNT(*) FROM sessions s WHERE s.user_id = u.id AND s.stamp = u.security_stamp AND s.expires_at > @now) AS sessions
        FROM users u
        """;

    private sealed record Row(Guid Id, string UserName, Role Role, bool Disabled, DateTimeOffset? LockoutEnd, DateTimeOffset CreatedAt, DateTimeOffset? LastLoginAt, int Sessions)
    {
        internal User At(DateTimeOffset now) => new(Id, UserName, Role, Disabled, LockoutEnd > now ? LockoutEnd : null, Sessions, CreatedAt, LastLoginAt);
    }

    internal async Task<Page<User>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var order = SortOrder.Of(page.Sort, "u.normalized_user_name", ("name", "u.normalized_user_name"), ("role", "u.role"), ("createdAt", "u.created_at"), ("lastLoginAt", "u.last_login_at"));
        var where = page.Search is null ? "" : $"WHERE {db.Dialect.Like("u.user_name", "find")}";
        var arguments = new { now, find = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM users u {where}", arguments, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"{Select} {where} ORDER BY {order}, u.id LIMIT @size OFFSET @offset", arguments, cancellationToken: cancellation));
        return new Page<User>([.. rows.Select(r => r.At(now))], total, page.Number, page.Size);
    }

    internal async Task<User?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await FindAsync(connection, id, cancellation);
    }

    private async Task<User?> FindAsync(DbConnection connection, Guid id, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        return (await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition($"{Select} WHERE u.id = @id", new { id, now }, cancellationToken: cancellation)))?.At(now);
    }

    internal Task<Result<User>> CreateAsync(Caller caller, string name, Role role, string password, CancellationToken cancellation)
    {
        var account = new UserAccount
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()), UserName = name, NormalizedUserName = normalizer.NormalizeName(name), Role = role,
            SecurityStamp = NewStamp(), ConcurrencyStamp = NewStamp(), CreatedAt = time.GetUtcNow(),
        };
        account.PasswordHash = passwords.Hash(account, password);
        return db.TransactionAsync<Result<User>>(async connection =>
        {
            if (!await UserStore.InsertAsync(connection, account, cancellation)) return NameTaken(name);
            var user = (await FindAsync(connection, account.Id, cancellation))!;
            await audit.WriteAsync(connection, caller, "user.create", $"user:{user.Id}", user.Name, null, Audited(user), cancellation);
            return user;
        }, cancellation);
    }

    internal async Task<Result<User>> ChangeAsync(Caller caller, Guid id, UserChange change, CancellationToken cancellation)
    {
        // Hashing takes tens of milliseconds: not while the transaction holds the database.
        var hash = change.Password is null ? null : passwords.Hash(new UserAccount(), change.Password);
        var changed = await db.TransactionAsync<Result<User>>(async connection =>
        {
            await LockAdministratorsAsync(connection, cancellation);
            if (await UserStore.FindAsync(connection, id, cancellation) is not { } account || await FindAsync(connection, id, cancellation) is not { } before)
                return Problem.NotFound("user", id);
            if ((change.Role ?? Role.Administrator) != Role.Administrator || change.Disabled == true)
                if (await IsLastAdministratorAsync(connection, id, cancellation)) return LastAdministrator(account.UserName);
            var ends = hash is not null || (change.Role ?? account.Role) != account.Role || (change.Disabled ?? account.Disabled) != account.Disabled;
            account.UserName = change.Name ?? account.UserName;
            account.NormalizedUserName = normalizer.NormalizeName(account.UserName);
            account.Role = change.Role ?? account.Role;
            account.Disabled = change.Disabled ?? account.Disabled;
            account.PasswordHash = hash ?? account.PasswordHash;
            if (!await WriteAsync(connection, account, ends, cancellation)) return NameTaken(account.UserName);
            if (hash is not null)
                await connection.ExecuteAsync(new CommandDefinition("UPDATE users SET access_failed_count = 0, lockout_end = NULL WHERE id = @id", new { id }, cancellationToken: cancellation));
            var after = (await FindAsync(connection, id, cancellation))!;
            await audit.WriteAsync(connection, caller, hash is null ? "user.update" : "user.password.reset", $"user:{id}", after.Name, Audited(before), Audited(after), cancellation);
            return after;
        }, cancellation);
        signal.Changed();
        return changed;
    }

    /// <summary>False when the name is taken by another. <paramref name="ends"/>: the sessions end.</summary>
    private static async Task<bool> WriteAsync(DbConnection connection, UserAccount account, bool ends, CancellationToken cancellation)
    {
        if (ends) account.SecurityStamp = NewStamp();
        var written = await connection.ExecuteAsync(new CommandDefinition("""
            UPDATE users SET user_name = @UserName, normalized_user_name = @NormalizedUserName, role = @RoleName, disabled = @Disabled,
              password_hash = @PasswordHash, security_stamp = @SecurityStamp, concurrency_stamp = @Next
            WHERE id = @Id AND NOT EXISTS (SELECT 1 FROM users o WHERE o.normalized_user_name = @NormalizedUserName AND o.id <> @Id)
            """, UserStore.Parameters(account, NewStamp()), cancellationToken: cancellation));
        if (written == 1 && ends)
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM sessions WHERE user_id = @Id", new { account.Id }, cancellationToken: cancellation));
        return written == 1;
    }

    internal async Task<Result<Done>> DeleteAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        var deleted = await db.TransactionAsync<Result<Done>>(async connection =>
        {
            await LockAdministratorsAsync(connection, cancellation);
            if (await FindAsync(connection, id, cancellation) is not { } before) return Problem.NotFound("user", id);
            if (await IsLastAdministratorAsync(connection, id, cancellation)) return LastAdministrator(before.Name);
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM users WHERE id = @id", new { id }, cancellationToken: cancellation));
            await audit.WriteAsync(connection, caller, "user.delete", $"user:{id}", before.Name, Audited(before), null, cancellation);
            return Done.It;
        }, cancellation);
        signal.Changed();
        return deleted;
    }

    /// <summary>Under READ COMMITTED two transactions could each see the other's administrator as the one that is left; this row makes them queue.</summary>
    private static Task LockAdministratorsAsync(DbConnection connection, CancellationToken cancellation) =>
        connection.ExecuteAsync(new CommandDefinition("UPDATE access_locks SET version = version + 1 WHERE name = 'administrators'", cancellationToken: cancellation));

    private static async Task<bool> IsLastAdministratorAsync(DbConnection connection, Guid id, CancellationToken cancellation)
    {
        const string Sql = "SELECT id FROM users WHERE role = 'administrator' AND NOT disabled";
        var enabled = (await connection.QueryAsync<Guid>(new CommandDefinition(Sql, cancellationToken: cancellation))).AsList();
        return enabled.Count == 1 && enabled[0] == id;
    }

    internal static string NewStamp() => Guid.NewGuid().ToString("N");

    private static object Audited(User user) => new { user.Name, user.Role, user.Disabled };

    private static Problem NameTaken(string name) =>
        Problem.Conflict("The name is taken", $"There is a user named '{name}' already (case does not matter). Choose another name.");

    private static Problem LastAdministrator(string name) =>
        Problem.Conflict("This is the last administrator", $"'{name}' is the only enabled administrator. Make another user an administrator first.");
}
