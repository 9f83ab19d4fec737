using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>REST of zones: <c>/api/v1/zones</c>.</summary>
internal static class ZoneEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapZones(this IEndpointRouteBuilder api)
    {
        var zones = api.MapGroup("/zones").WithTags("Zones");
        zones.MapGet("", ListAsync).Needs(WorkersPermissions.Read).Answers<Listing<Zone>>("List zones").WithDescription($"Sorts by {string.Join(", ", Zones.Sorts)}; searches in the host name.");
        zones.MapGet("/{hostname}", GetAsync).Needs(WorkersPermissions.Read).Answers<Zone>("Read a zone with its routes");
        zones.MapPut("/{hostname}", PutAsync).Needs(WorkersPermissions.ManageZones).Answers<Zone>("Make a zone, or replace its routes");
        zones.MapDelete("/{hostname}", DeleteAsync).Needs(WorkersPermissions.ManageZones).AnswersNothing("Delete a zone; its host name is answered 404");
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, Zones zones, CancellationToken cancellation) =>
        list.Page(Zones.Sorts).TryGet(out var page, out var problem) ? (await zones.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> GetAsync(string hostname, HttpContext http, Zones zones, CancellationToken cancellation) =>
        (await zones.GetAsync(CallerAccessor.FromHttp(http), hostname, cancellation)).ToOk();

    private static async Task<IResult> PutAsync(string hostname, JsonBody<NewZone> body, HttpContext http, Zones zones, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem)
            ? (await zones.PutAsync(CallerAccessor.FromHttp(http), hostname, wanted, cancellation)).ToOk(z => z.Zone)
            : problem.ToHttp();

    private static async Task<IResult> DeleteAsync(string hostname, HttpContext http, Zones zones, CancellationToken cancellation) =>
        (await zones.DeleteAsync(CallerAccessor.FromHttp(http), hostname, cancellation)).ToNoContent();
}
