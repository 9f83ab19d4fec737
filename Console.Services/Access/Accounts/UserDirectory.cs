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

    private sealed class Row
    {
        public Guid Id { get; init; }
        public string UserName { get; init; } = "";
        public Role Role { get; init; }
        public bool Disabled { get; init; }
        public DateTimeOffset? LockoutEnd { get; init; }
        public DateTimeOffset CreatedAt { get; init; }
        public DateTimeOffset? LastLoginAt { get; init; }
        public int Sessions { get; init; }

        internal User At(DateTimeOffset now) => new(Id, UserName, Role, Disabled, LockoutEnd > now ? LockoutEnd : null, Sessions, CreatedAt, LastLoginAt);
    }

    internal async Task<Page<User>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var order = SortOrder.Of(page.Sort, "u.normalized_user_name", ("name", "u.normalized_user_name"), ("role", "u.role"), ("createdAt", "u.created_at"), ("lastLoginAt", "u.last_login_at"));
        var find = SortOrder.Pattern(page.Search);
        const string Where = "WHERE @find IS NULL OR LOWER(u.user_name) LIKE @find ESCAPE '!'";
        await using var connection = await db.OpenAsync(cancellation);
        var arguments = new { now, find, size = page.Size, offset = page.Offset };
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM users u {Where}", arguments, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            $"{Select} {Where} ORDER BY {order}, u.id LIMIT @size OFFSET @offset", arguments, cancellationToken: cancellation));
        return new Page<User>([.. rows.Select(r => r.At(now))], total, page.Number, page.Size);
    }

    internal async Task<User?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await FindAsync(connection, null, id, cancellation);
    }

    private async Task<User?> FindAsync(DbConnection connection, DbTransaction? transaction, Guid id, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        return (await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition($"{Select} WHERE u.id = @id", new { id, now }, transaction, cancellationToken: cancellation)))?.At(now);
    }

    internal async Task<Result<User>> CreateAsync(Caller caller, string name, Role role, string password, CancellationToken cancellation)
    {
        var account = new UserAccount
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()), UserName = name, NormalizedUserName = normalizer.NormalizeName(name), Role = role,
            SecurityStamp = NewStamp(), ConcurrencyStamp = NewStamp(), CreatedAt = time.GetUtcNow(),
        };
        account.PasswordHash = passwords.Hash(account, password);
        await using var connection = await db.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (!await UserStore.InsertAsync(connection, transaction, account, cancellation))
            return NameTaken(name);
        var user = (await FindAsync(connection, transaction, account.Id, cancellation))!;
        await audit.WriteAsync(transaction, caller, "user.create", $"user:{user.Id}", user.Name, null, Audited(user), cancellation);
        await transaction.CommitAsync(cancellation);
        return user;
    }

    internal async Task<Result<User>> ChangeAsync(Caller caller, Guid id, UserChange change, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await LockAdministratorsAsync(connection, transaction, cancellation);
        if (await UserStore.FindAsync(connection, transaction, id, cancellation) is not { } account || await FindAsync(connection, transaction, id, cancellation) is not { } before)
            return Problem.NotFound("user", id);
        var ends = change.Password is not null || (change.Role ?? account.Role) != account.Role || (change.Disabled ?? account.Disabled) != account.Disabled;
        if ((change.Role ?? Role.Administrator) != Role.Administrator || change.Disabled == true)
            if (await IsLastAdministratorAsync(connection, transaction, id, cancellation)) return LastAdministrator(account.UserName);
        account.UserName = change.Name ?? account.UserName;
        account.NormalizedUserName = normalizer.NormalizeName(account.UserName);
        account.Role = change.Role ?? account.Role;
        account.Disabled = change.Disabled ?? account.Disabled;
        if (change.Password is not null) account.PasswordHash = passwords.Hash(account, change.Password);
        if (ends) account.SecurityStamp = NewStamp();
        var changed = await connection.ExecuteAsync(new CommandDefinition("""
            UPDATE users SET user_name = @UserName, normalized_user_name = @NormalizedUserName, role = @RoleName, disabled = @Disabled,
              password_hash = @PasswordHash, security_stamp = @SecurityStamp, concurrency_stamp = @Next
            WHERE id = @Id AND NOT EXISTS (SELECT 1 FROM users o WHERE o.normalized_user_name = @NormalizedUserName AND o.id <> @Id)
            """, UserStore.Parameters(account, NewStamp()), transaction, cancellationToken: cancellation));
        if (changed == 0) return NameTaken(account.UserName);
        if (ends) await connection.ExecuteAsync(new CommandDefinition("DELETE FROM sessions WHERE user_id = @id", new { id }, transaction, cancellationToken: cancellation));
        if (change.Password is not null)
            await connection.ExecuteAsync(new CommandDefinition("UPDATE users SET access_failed_count = 0, lockout_end = NULL WHERE id = @id", new { id }, transaction, cancellationToken: cancellation));
        var after = (await FindAsync(connection, transaction, id, cancellation))!;
        await audit.WriteAsync(transaction, caller, change.Password is null ? "user.update" : "user.password.reset", $"user:{id}", after.Name, Audited(before), Audited(after), cancellation);
        await transaction.CommitAsync(cancellation);
        signal.Changed();
        return after;
    }

    internal async Task<Result<Done>> DeleteAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await LockAdministratorsAsync(connection, transaction, cancellation);
        if (await FindAsync(connection, transaction, id, cancellation) is not { } before) return Problem.NotFound("user", id);
        if (await IsLastAdministratorAsync(connection, transaction, id, cancellation)) return LastAdministrator(before.Name);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM users WHERE id = @id", new { id }, transaction, cancellationToken: cancellation));
        await audit.WriteAsync(transaction, caller, "user.delete", $"user:{id}", before.Name, Audited(before), null, cancellation);
        await transaction.CommitAsync(cancellation);
        signal.Changed();
        return Done.It;
    }

    /// <summary>Under READ COMMITTED two transactions could each see the other's administrator as the one that is left; this row makes them queue.</summary>
    private static Task LockAdministratorsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellation) =>
        connection.ExecuteAsync(new CommandDefinition("UPDATE access_locks SET version = version + 1 WHERE name = 'administrators'", transaction: transaction, cancellationToken: cancellation));

    private static async Task<bool> IsLastAdministratorAsync(DbConnection connection, DbTransaction transaction, Guid id, CancellationToken cancellation)
    {
        const string Sql = "SELECT CAST(id AS TEXT) FROM users WHERE role = 'administrator' AND NOT disabled";
        var enabled = (await connection.QueryAsync<string>(new CommandDefinition(Sql, transaction: transaction, cancellationToken: cancellation))).AsList();
        return enabled.Count == 1 && Guid.Parse(enabled[0]) == id;
    }

    private static string NewStamp() => Guid.NewGuid().ToString("N");

    private static object Audited(User user) => new { user.Name, user.Role, user.Disabled };

    private static Problem NameTaken(string name) =>
        Problem.Conflict("The name is taken", $"There is a user named '{name}' already (case does not matter). Choose another name.");

    private static Problem LastAdministrator(string name) =>
        Problem.Conflict("This is the last administrator", $"'{name}' is the only enabled administrator. Make another user an administrator first.");
}
