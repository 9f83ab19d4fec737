using Quarterdeck.Access.Accounts;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>Who can sign in. There is always an enabled administrator left.</summary>
public sealed class Users
{
    private readonly UserDirectory _directory;
    private readonly Passwords _passwords;
    private readonly Guard _guard;

    internal Users(UserDirectory directory, Passwords passwords, Guard guard) => (_directory, _passwords, _guard) = (directory, passwords, guard);

    /// <summary>One page; sorts by <c>name</c> (default), <c>role</c>, <c>createdAt</c>, <c>lastLoginAt</c>. Search finds names.</summary>
    public async Task<Result<Page<User>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AccessPermissions.ReadUsers, "user", cancellation) is { } refused ? refused
        : await _directory.ListAsync(page, cancellation);

    /// <summary>One user.</summary>
    public async Task<Result<User>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AccessPermissions.ReadUsers, $"user:{id}", cancellation) is { } refused) return refused;
        return await _directory.FindAsync(id, cancellation) is { } user ? user : Problem.NotFound("user", id);
    }

    /// <summary>Creates a user; without a password one is generated and returned this once.</summary>
    public async Task<Result<CreatedUser>> CreateAsync(Caller caller, NewUser user, CancellationToken cancellation)
    {
        if (await RefusedAsync(caller, "user", cancellation) is { } refused) return refused;
        List<FieldError> errors = [];
        if (_passwords.CheckName(user.Name) is { } badName) errors.Add(badName);
        if (user.Password is not null && _passwords.CheckPassword(user.Password, user.Name) is { } badPassword) errors.Add(badPassword);
        if (!IsRole(user.Role, required: true)) errors.Add(BadRole);
        if (errors.Count > 0) return Problem.Invalid(errors);
        var generated = user.Password is null ? Passwords.Generate() : null;
        var created = await _directory.CreateAsync(caller, user.Name!, user.Role!.Value, user.Password ?? generated!, cancellation);
        return created.Then(u => new CreatedUser(u, generated));
    }

    /// <summary>What speaks against changing a user before it is known how: no right, or no such user; null when nothing does.</summary>
    public async Task<Problem?> FindForChangeAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        await RefusedAsync(caller, $"user:{id}", cancellation) ?? (await _directory.FindAsync(id, cancellation) is null ? Problem.NotFound("user", id) : null);

    /// <summary>Changes name, role, state or password. A new role, password or disabling ends the user's sessions.</summary>
    public async Task<Result<User>> UpdateAsync(Caller caller, Guid id, UserChange change, CancellationToken cancellation)
    {
        if (await RefusedAsync(caller, $"user:{id}", cancellation) is { } refused) return refused;
        if (await _directory.FindAsync(id, cancellation) is not { } user) return Problem.NotFound("user", id);
        List<FieldError> errors = [];
        if (change.Name is not null && _passwords.CheckName(change.Name) is { } badName) errors.Add(badName);
        if (change.Password is not null && _passwords.CheckPassword(change.Password, change.Name ?? user.Name) is { } badPassword) errors.Add(badPassword);
        if (!IsRole(change.Role, required: false)) errors.Add(BadRole);
        if (errors.Count > 0) return Problem.Invalid(errors);
        return change.Disabled == true && caller.UserId == id
            ? Problem.Conflict("You cannot disable yourself", "Ask another administrator to disable this account.")
            : await _directory.ChangeAsync(caller, id, change, cancellation);
    }

    /// <summary>Deletes a user with its sessions and tokens; the audit log keeps its name.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await RefusedAsync(caller, $"user:{id}", cancellation) is { } refused) return refused;
        return caller.UserId == id
            ? Problem.Conflict("You cannot delete yourself", "Ask another administrator to delete this account.")
            : await _directory.DeleteAsync(caller, id, cancellation);
    }

    /// <summary>A new random password, for showing it once.</summary>
    public static string GeneratePassword() => Passwords.Generate();

    private static FieldError BadRole => new("role", "This is not a role.", "Use viewer, operator or administrator.");

    private static bool IsRole(Role? role, bool required) => role is { } r ? Enum.IsDefined(r) : !required;

    private async ValueTask<Problem?> RefusedAsync(Caller caller, string target, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AccessPermissions.ManageUsers, target, cancellation)
        ?? (caller.Scopes is null ? null : await _guard.RefuseAsync(caller, AccessPermissions.ManageUsers.Key, target,
            $"The token '{caller.Name}' is narrowed to scopes; a user is not, so managing users would widen it. Use a token without scopes.", cancellation));
}
