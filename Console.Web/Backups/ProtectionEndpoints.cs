using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Backups;

/// <summary>REST of the protection overview: <c>/api/v1/protection</c>.</summary>
internal static class ProtectionEndpoints
{
    /// <summary>Maps it on the group <c>/api/v1</c>.</summary>
    public static void MapProtection(this RouteGroupBuilder api) =>
        api.MapGet("/protection", ListAsync).WithTags("Backups").Needs(BackupsPermissions.Read).Answers<Listing<ProtectedVm>>("List VMs with what protects them")
            .WithDescription("The worst protected first. Sorts by level, name, lastGoodAt or nextRunAt; searches in names of VMs and jobs.")
            .TakesQuery("level", "Only VMs at this level: unprotected, damaged, waiting, late, byHand or protected.");

    private static async Task<IResult> ListAsync(ListQuery list, string? level, HttpContext http, Protection protection, CancellationToken cancellation)
    {
        if (!list.Page([.. Protection.Sorts]).TryGet(out var page, out var problem)) return problem.ToHttp();
        ProtectionLevel? only = null;
        if (!string.IsNullOrEmpty(level))
        {
            if (!Enum.TryParse<ProtectionLevel>(level, ignoreCase: true, out var known) || !char.IsLetter(level[0])) return Problem.Invalid("level", $"There is no level '{level}'.", "Use unprotected, damaged, waiting, late, byHand or protected.").ToHttp();
            only = known;
        }
        return (await protection.ListAsync(CallerAccessor.FromHttp(http), only, page, cancellation)).Then(found => found.Page).ToList();
    }
}
