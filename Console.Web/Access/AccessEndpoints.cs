using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Access;

/// <summary>The answer to a created token; <paramref name="Token"/> is shown this once.</summary>
public sealed record CreatedTokenBody(Guid Id, string Name, string Token, Role Role, IReadOnlyList<string>? Scopes, DateTimeOffset? ExpiresAt);

/// <summary>The answer to a created user; <paramref name="Password"/> only when it was generated, and this once.</summary>
public sealed record CreatedUserBody(Guid Id, string Name, Role Role, bool Disabled, DateTimeOffset CreatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Password);

/// <summary>Who did it.</summary>
public sealed record ActorBody(CallerKind Kind, Guid? Id, string Name);

/// <summary>A line of the audit log.</summary>
public sealed record AuditBody(Guid Id, DateTimeOffset At, ActorBody Actor, string Action, string Target, string? TargetName, AuditOutcome Outcome, JsonNode? Before, JsonNode? After, string? RequestId);

/// <summary>REST of users, tokens and the audit log.</summary>
public static class AccessEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>, which the policy <see cref="AccessPolicies.Bearer"/> guards.</summary>
    public static IEndpointRouteBuilder MapAccess(this IEndpointRouteBuilder api)
    {
        MapUsers(api.MapGroup("/users").WithTags("Users"));
        MapTokens(api.MapGroup("/tokens").WithTags("Tokens"));
        MapAudit(api.MapGroup("/audit").WithTags("Audit"));
        api.MapMe();
        return api;
    }

    private static void MapUsers(RouteGroupBuilder users)
    {
        users.MapGet("", async (HttpContext http, ListQuery query, Users room, CancellationToken cancellation) =>
            query.Page("name", "role", "createdAt", "lastLoginAt").TryGet(out var page, out var wrong)
                ? (await room.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : wrong.ToHttp())
            .Needs(AccessPermissions.ReadUsers).WithSummary("All users").Produces<Listing<User>>();
        users.MapPost("", async (HttpContext http, JsonBody<NewUser> body, Users room, CancellationToken cancellation) =>
            (await body.ReadAsync(cancellation)).TryGet(out var user, out var wrong)
                ? (await room.CreateAsync(CallerAccessor.FromHttp(http), user, cancellation)).ToCreated(c => $"/users/{c.User.Id}", c => new CreatedUserBody(c.User.Id, c.User.Name, c.User.Role, c.User.Disabled, c.User.CreatedAt, c.Password)) : wrong.ToHttp())
            .Needs(AccessPermissions.ManageUsers).WithSummary("Create a user; without a password one is generated and shown once").Produces<CreatedUserBody>(StatusCodes.Status201Created);
        users.MapGet("/{id:guid}", async (HttpContext http, Guid id, Users room, CancellationToken cancellation) =>
            (await room.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk())
            .Needs(AccessPermissions.ReadUsers).WithSummary("One user").Produces<User>();
        users.MapPut("/{id:guid}", PutUserAsync)
            .Needs(AccessPermissions.ManageUsers).WithSummary("Change name, role, state or password of a user; what is left out stays").Produces<User>();
        users.MapDelete("/{id:guid}", async (HttpContext http, Guid id, Users room, CancellationToken cancellation) =>
            (await room.DeleteAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent())
            .Needs(AccessPermissions.ManageUsers).WithSummary("Delete a user with its sessions and tokens").Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<IResult> PutUserAsync(HttpContext http, Guid id, JsonBody<UserChange> body, Users room, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        // 404 comes before anything that the body may be wrong about.
        if (await room.FindForChangeAsync(caller, id, cancellation) is { } gone) return gone.ToHttp();
        return (await body.ReadAsync(cancellation)).TryGet(out var change, out var wrong) ? (await room.UpdateAsync(caller, id, change, cancellation)).ToOk() : wrong.ToHttp();
    }

    private static void MapTokens(RouteGroupBuilder tokens)
    {
        tokens.MapGet("", async (HttpContext http, ListQuery query, ApiTokens room, CancellationToken cancellation) =>
            query.Page("name", "role", "createdAt", "expiresAt", "lastUsedAt").TryGet(out var page, out var wrong)
                ? (await room.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : wrong.ToHttp())
            .NeedsAny(AccessPermissions.OwnTokens, AccessPermissions.ManageTokens).WithSummary("One's own API tokens; all for an administrator").Produces<Listing<ApiToken>>();
        tokens.MapPost("", async (HttpContext http, JsonBody<NewApiToken> body, ApiTokens room, CancellationToken cancellation) =>
            (await body.ReadAsync(cancellation)).TryGet(out var token, out var wrong)
                ? (await room.CreateAsync(CallerAccessor.FromHttp(http), token, cancellation)).ToCreated(t => $"/tokens/{t.Token.Id}", t => new CreatedTokenBody(t.Token.Id, t.Token.Name, t.Secret, t.Token.Role, t.Token.Scopes, t.Token.ExpiresAt)) : wrong.ToHttp())
            .Needs(AccessPermissions.OwnTokens).WithSummary("Create an API token, no stronger than the caller; it is shown this once").Produces<CreatedTokenBody>(StatusCodes.Status201Created);
        tokens.MapDelete("/{id:guid}", async (HttpContext http, Guid id, ApiTokens room, CancellationToken cancellation) =>
            (await room.RevokeAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent())
            .NeedsAny(AccessPermissions.OwnTokens, AccessPermissions.ManageTokens).WithSummary("Revoke an API token; it is refused from now on").Produces(StatusCodes.Status204NoContent);
    }

    private static void MapAudit(RouteGroupBuilder audit)
    {
        audit.MapGet("", async (HttpContext http, ListQuery query, AuditTrail room, CancellationToken cancellation) =>
            AuditFilter.Read(http.Request.Query).TryGet(out var filter, out var wrong) && query.Page("at", "actor", "action", "target").TryGet(out var page, out wrong)
                ? (await room.ListAsync(CallerAccessor.FromHttp(http), filter, page, cancellation)).ToList(Shape) : wrong!.ToHttp())
            .Needs(AccessPermissions.ReadAudit).WithSummary("The audit log, newest first; filters: actor, action, target, outcome, from, until").Produces<Listing<AuditBody>>();
        audit.MapGet("/{id:guid}", async (HttpContext http, Guid id, AuditTrail room, CancellationToken cancellation) =>
            (await room.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk(Shape))
            .Needs(AccessPermissions.ReadAudit).WithSummary("One line of the audit log").Produces<AuditBody>();
    }

    private static AuditBody Shape(AuditEntry e) => new(e.Id, e.At, new ActorBody(e.ActorKind, e.ActorId, e.ActorName), e.Action, e.Target, e.TargetName, e.Outcome, Json(e.Before), Json(e.After), e.RequestId);

    private static JsonNode? Json(string? text) => text is null ? null : JsonNode.Parse(text);
}
