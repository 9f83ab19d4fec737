using Quarterdeck.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Access;

/// <summary>Who the token stands for.</summary>
/// <param name="Kind">User, token, plug-in or system.</param>
/// <param name="Id">Of the token; null for the administrator token of the settings.</param>
/// <param name="Name">Its name.</param>
/// <param name="Role">What it may do at most.</param>
/// <param name="Scopes">What it is narrowed to; null when not narrowed.</param>
/// <param name="UserId">The user behind it; null when there is none.</param>
/// <param name="Permissions">Keys of all that it may do.</param>
public sealed record MeBody(CallerKind Kind, Guid? Id, string Name, Role Role, IReadOnlyList<string>? Scopes, Guid? UserId, IReadOnlyList<string> Permissions);

/// <summary>A change of one's own password.</summary>
/// <param name="CurrentPassword">The present one, as proof.</param>
/// <param name="NewPassword">The new one.</param>
public sealed record PasswordChange(string CurrentPassword, string NewPassword);

/// <summary>REST of self-service, <c>/me</c>.</summary>
internal static class MeEndpoints
{
    public static void MapMe(this IEndpointRouteBuilder api)
    {
        var me = api.MapGroup("/me").WithTags("Me");
        me.MapGet("", (HttpContext http, PermissionCatalogue catalogue) => Describe(CallerAccessor.FromHttp(http), catalogue))
            .WithSummary("Who the token stands for, and what it may do");
        me.MapPost("/password", async (HttpContext http, JsonBody<PasswordChange> body, Profile room, CancellationToken cancellation) =>
            (await body.ReadAsync(cancellation)).TryGet(out var change, out var wrong)
                ? (await room.ChangePasswordAsync(CallerAccessor.FromHttp(http), change.CurrentPassword, change.NewPassword, cancellation)).ToNoContent() : wrong.ToHttp())
            .Needs(AccessPermissions.Self).WithSummary("Change the password of the user behind the token; ends the user's sessions").Produces(StatusCodes.Status204NoContent);
        me.MapGet("/sessions", async (HttpContext http, Profile room, CancellationToken cancellation) =>
            (await room.SessionsAsync(CallerAccessor.FromHttp(http), cancellation)).ToOk(s => new Listing<Session>(s, s.Count, 1, Math.Max(1, s.Count))))
            .Needs(AccessPermissions.Self).WithSummary("Open login sessions").Produces<Listing<Session>>();
        me.MapDelete("/sessions/{id:guid}", async (HttpContext http, Guid id, Profile room, CancellationToken cancellation) =>
            (await room.EndSessionAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent())
            .Needs(AccessPermissions.Self).WithSummary("End one session").Produces(StatusCodes.Status204NoContent);
        me.MapDelete("/sessions", async (HttpContext http, Profile room, CancellationToken cancellation) =>
            (await room.EndOtherSessionsAsync(CallerAccessor.FromHttp(http), cancellation)).ToNoContent())
            .Needs(AccessPermissions.Self).WithSummary("End all sessions but the present one").Produces(StatusCodes.Status204NoContent);
    }

    private static MeBody Describe(Caller caller, PermissionCatalogue catalogue) =>
        new(caller.Kind, caller.Id, caller.Name, caller.Role, caller.Scopes?.Order(StringComparer.Ordinal).ToArray(), caller.UserId,
            [.. catalogue.All.Where(caller.May).Select(p => p.Key).Order(StringComparer.Ordinal)]);
}
