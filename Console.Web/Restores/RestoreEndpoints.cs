using Quarterdeck.Restores;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Restores;

/// <summary>REST of restores: <c>/api/v1/restores</c>.</summary>
internal static class RestoreEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapRestores(this IEndpointRouteBuilder api)
    {
        api.MapPost("/restores", StartAsync).WithTags("Restores").Needs(RestoresPermissions.Run)
            .Produces<AcceptedOperation>(StatusCodes.Status202Accepted).Produces<RestorePlan>(StatusCodes.Status200OK)
            .WithSummary("Restore a VM from a recovery point")
            .WithDescription("With `plan: true` it answers 200 with what would move and why, and does nothing. Otherwise 202; the operation's result is `{mode,vmId,readBytes,sentBytes,writtenBytes,chunks,seconds,commonPointId}`.");
        return api;
    }

    private static async Task<IResult> StartAsync(JsonBody<NewRestore> body, HttpContext http, VmRestores restores, CancellationToken cancellation)
    {
        if (!(await body.ReadAsync(cancellation)).TryGet(out var restore, out var problem)) return problem.ToHttp();
        var caller = CallerAccessor.FromHttp(http);
        return restore.Plan ? (await restores.PlanAsync(caller, restore, cancellation)).ToOk() : (await restores.StartAsync(caller, restore, cancellation)).ToAccepted();
    }
}
