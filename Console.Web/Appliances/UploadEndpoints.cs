using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Plugins;

namespace Quarterdeck.Web.Appliances;

/// <summary>Where the install wizard sends packages: with the login cookie and an antiforgery header, straight from the browser to the disks. The circuit carries none of it.</summary>
/// <remarks>
/// The wizard asks what is in a package before it is uploaded. Uploading twice would be slow, and keeping the first
/// upload would need room for a second copy; so the browser cuts the small members out of the tar and posts those
/// (<c>wwwroot/js/appliance-upload.js</c>). The disks' digests are verified when the package itself is deployed.
/// </remarks>
internal static class UploadEndpoints
{
    private const long MaxHeadBytes = 32 << 20;

    /// <summary>Maps them beside the pages.</summary>
    public static void MapUploads(this IEndpointRouteBuilder pages)
    {
        var uploads = pages.MapGroup("/appliances/uploads").RequireAuthorization(AccessPolicies.Page).DisableAntiforgery().RefusesForgery().ExcludeFromDescription();
        uploads.MapPost("", DeployAsync).Needs(AppliancePermissions.Deploy);
        uploads.MapPost("/head", InspectHeadAsync).Needs(AppliancePermissions.Inspect);
        uploads.MapPost("/upgrade/{id:guid}", PluginEndpoints.UpgradeAsync).Needs(PluginPermissions.Manage);
        uploads.MapPost("/validation", ValidationEndpoints.ValidateAsync).Needs(AppliancePermissions.Inspect);
    }

    private static async Task<IResult> InspectHeadAsync(HttpContext http, ApplianceImport import, CancellationToken cancellation)
    {
        if (!ApplianceUpload.Open(http, MaxHeadBytes).TryGet(out var upload, out var problem)) return problem.ToHttp();
        if (!(await upload.FileAsync(needsSpec: false, cancellation)).TryGet(out var head, out problem)) return problem.ToHttp();
        return (await import.InspectHeadAsync(CallerAccessor.FromHttp(http), head, cancellation)).ToOk();
    }

    private static async Task<IResult> DeployAsync(HttpContext http, ApplianceImport import, CancellationToken cancellation)
    {
        if (!ApplianceUpload.Open(http, import.MaxPackageBytes).TryGet(out var upload, out var problem)) return problem.ToHttp();
        if (!(await upload.FileAsync(needsSpec: true, cancellation)).TryGet(out var file, out problem)) return problem.ToHttp();
        return (await import.BeginAsync(CallerAccessor.FromHttp(http), upload.Spec!, file, upload.Length, cancellation)).ToAccepted();
    }
}
