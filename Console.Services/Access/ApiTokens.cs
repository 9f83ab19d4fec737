using Quarterdeck.Access.Tokens;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>API tokens: made no stronger than their maker, shown once, stored hashed.</summary>
public sealed class ApiTokens
{
    private readonly TokenStore _store;
    private readonly PermissionCatalogue _catalogue;
    private readonly Guard _guard;
    private readonly TimeProvider _time;

    internal ApiTokens(TokenStore store, PermissionCatalogue catalogue, Guard guard, TimeProvider time) =>
        (_store, _catalogue, _guard, _time) = (store, catalogue, guard, time);

    /// <summary>One page: one's own tokens, or all for an administrator. Newest first; sorts by <c>name</c>, <c>role</c>, <c>createdAt</c>, <c>expiresAt</c>, <c>lastUsedAt</c>.</summary>
    public async Task<Result<Page<ApiToken>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation)
    {
        var all = caller.May(AccessPermissions.ManageTokens);
        if (!all && await _guard.CheckAsync(caller, AccessPermissions.OwnTokens, "token", cancellation) is { } refused) return refused;
        return await _store.ListAsync(caller.UserId, all, page, cancellation);
    }

    /// <summary>The permissions a caller may narrow a token to.</summary>
    public IReadOnlyList<RoomPermissions> Grantable(Caller caller) =>
        [.. _catalogue.Rooms.Select(r => new RoomPermissions(r.Room, [.. r.Permissions.Where(p => caller.May(p) && CanNarrow(p))])).Where(r => r.Permissions.Count > 0)];

    /// <summary>Creates a token. Its role, scopes and life are at most the caller's own.</summary>
    public async Task<Result<IssuedToken>> CreateAsync(Caller caller, NewApiToken token, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AccessPermissions.OwnTokens, "token", cancellation) is { } refused) return refused;
        var errors = Check(token);
        if (errors.Count > 0) return Problem.Invalid(errors);
        if (await StrongerAsync(caller, token, cancellation) is { } why) return await _guard.RefuseAsync(caller, "token.create", "token", why, cancellation);
        return await _store.CreateAsync(caller, token.Name!.Trim(), token.Role!.Value, token.Scopes?.Distinct().Order(StringComparer.Ordinal).ToArray(), token.ExpiresAt, cancellation);
    }

    /// <summary>Revokes a token: it is refused at once, on every node.</summary>
    public async Task<Result<Done>> RevokeAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        var all = caller.May(AccessPermissions.ManageTokens);
        if (!all && await _guard.CheckAsync(caller, AccessPermissions.OwnTokens, $"token:{id}", cancellation) is { } refused) return refused;
        // Another's token does not exist for one who may not see it.
        var token = await _store.FindAsync(id, cancellation);
        return token is not null && (all || (token.OwnerId is not null && token.OwnerId == caller.UserId)) && await _store.DeleteAsync(caller, token, cancellation)
            ? Done.It : Problem.NotFound("token", id);
    }

    private List<FieldError> Check(NewApiToken token)
    {
        List<FieldError> errors = [];
        if (token.Name?.Trim() is not { Length: > 0 and <= 100 } name || name.Any(char.IsControl))
            errors.Add(new FieldError("name", "A name of 1 to 100 characters is needed.", "Say what the token is for, such as 'nightly report'."));
        if (token.Role is not { } role || !Enum.IsDefined(role))
            errors.Add(new FieldError("role", "This is not a role.", "Use viewer, operator or administrator."));
        if (token.ExpiresAt <= _time.GetUtcNow())
            errors.Add(new FieldError("expiresAt", "This time has passed.", "Give a time in the future, or leave it out."));
        if (token.Scopes is { Count: 0 })
            errors.Add(new FieldError("scopes", "A token without any scope could do nothing.", "Name permissions, or leave scopes out for all that the role allows."));
        for (var i = 0; i < token.Scopes?.Count; i++)
        {
            if (_catalogue.Find(token.Scopes[i]) is not { } permission)
                errors.Add(new FieldError($"scopes[{i}]", $"There is no permission '{token.Scopes[i]}'.", $"Use some of: {string.Join(", ", _catalogue.All.Where(CanNarrow).Select(p => p.Key).Order(StringComparer.Ordinal))}."));
            else if (!CanNarrow(permission))
                errors.Add(new FieldError($"scopes[{i}]", $"'{permission.Key}' cannot be given to a narrowed token: with it the token could widen itself.", "Leave scopes out, or leave this one out."));
            else if (token.Role is { } least && least < permission.Minimum)
                errors.Add(new FieldError($"scopes[{i}]", $"'{permission.Key}' needs the role {permission.Minimum.ToString().ToLowerInvariant()}.", "Raise the role, or leave this scope out."));
        }
        return errors;
    }

    /// <summary>Users are never narrowed, so a narrowed token that manages them would be as strong as any of them.</summary>
    private static bool CanNarrow(Permission permission) => permission != AccessPermissions.ManageUsers;

    private async Task<string?> StrongerAsync(Caller caller, NewApiToken token, CancellationToken cancellation)
    {
        if (token.Role > caller.Role)
            return $"{caller.Name} is {caller.Role.ToString().ToLowerInvariant()} and cannot make a token of the role {token.Role.ToString()!.ToLowerInvariant()}.";
        if (caller.Scopes is not null && (token.Scopes is null || !caller.Scopes.IsSupersetOf(token.Scopes)))
            return $"The token '{caller.Name}' is narrowed to scopes; name some of the same scopes: {string.Join(", ", caller.Scopes.Order(StringComparer.Ordinal))}.";
        if (caller is { Kind: CallerKind.Token, Id: { } id } && await _store.FindAsync(id, cancellation) is { ExpiresAt: { } end } && (token.ExpiresAt is null || token.ExpiresAt.Value.Stored() > end))
            return $"The token '{caller.Name}' expires at {end:u}; it cannot make one that lives longer.";
        return null;
    }
}
