using Quarterdeck.Appliances;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Appliances;

/// <summary>REST of appliances: <c>/api/v1/appliances</c>.</summary>
internal static class ApplianceEndpoints
{
    private static readonly string[] Sortable = ["name", "product", "vendor", "publisher", "createdAt"];

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapAppliances(this IEndpointRouteBuilder api)
    {
        var appliances = api.MapGroup("/appliances").WithTags("Appliances");
        appliances.MapGet("", ListAsync).Needs(AppliancePermissions.Read).Answers<Listing<Appliance>>("List deployed appliances");
        appliances.MapGet("/{id:guid}", GetAsync).Needs(AppliancePermissions.Read).Answers<Appliance>("Show a deployed appliance");
        appliances.MapDelete("/{id:guid}", RemoveAsync).Needs(AppliancePermissions.Manage).AnswersOperation("Remove an appliance with its VM and disks");
        appliances.MapPost("/{id:guid}/actions/seal", SealAsync).Needs(AppliancePermissions.Manage).AnswersOperation("Take the passwords out of an appliance's environment now");
        appliances.MapPost("", DeployAsync).Needs(AppliancePermissions.Deploy).AnswersOperation("Deploy an OVA")
            .TakesUpload("Parts: 'spec' (JSON: name, hostId, properties, networks, deploymentOption, acceptEula, allowUnsigned, start, plugin, capabilities) first, then 'file' (the OVA). Read once, as it arrives.");
        appliances.MapPost("/inspect", InspectAsync).Needs(AppliancePermissions.Inspect).Answers<OvaInspection>("Say what is in an OVA, and deploy nothing")
            .TakesUpload("Part 'file' (the OVA); a part 'spec' may come first and is ignored.");
        api.MapPublishers();
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, ApplianceRegistry appliances, CancellationToken cancellation) =>
        list.Page(Sortable).TryGet(out var page, out var problem) ? (await appliances.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, ApplianceRegistry appliances, CancellationToken cancellation) =>
        (await appliances.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> RemoveAsync(Guid id, HttpContext http, ApplianceRegistry appliances, CancellationToken cancellation) =>
        (await appliances.RemoveAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> SealAsync(Guid id, HttpContext http, ApplianceRegistry appliances, CancellationToken cancellation) =>
        (await appliances.SealAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> DeployAsync(HttpContext http, ApplianceImport import, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await import.MayDeployAsync(caller, cancellation)).Problem is { } refused) return refused.ToHttp();
        if (!ApplianceUpload.Open(http, import.MaxPackageBytes).TryGet(out var upload, out var tooLarge)) return tooLarge.ToHttp();
        if (!(await upload.FileAsync(needsSpec: true, cancellation)).TryGet(out var file, out var problem)) return problem.ToHttp();
        return (await import.BeginAsync(caller, upload.Spec!, file, upload.Length, cancellation)).ToAccepted();
    }

    private static async Task<IResult> InspectAsync(HttpContext http, ApplianceImport import, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await import.MayInspectAsync(caller, cancellation)).Problem is { } refused) return refused.ToHttp();
        if (!ApplianceUpload.Open(http, import.MaxPackageBytes).TryGet(out var upload, out var tooLarge)) return tooLarge.ToHttp();
        if (!(await upload.FileAsync(needsSpec: false, cancellation)).TryGet(out var file, out var problem)) return problem.ToHttp();
        return (await import.InspectAsync(caller, file, cancellation)).ToOk();
    }
}
