using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Appliances;

namespace Quarterdeck.Web.Plugins;

/// <summary>For authors of plug-ins: checks a package, and serves the schema of the manifest.</summary>
internal static class ValidationEndpoints
{
    /// <summary>Where the schema is: for <c>$schema</c> in a manifest.</summary>
    public const string SchemaPath = "/schemas/quarterdeck-plugin.schema.json";

    /// <summary>Maps the check on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapValidation(this IEndpointRouteBuilder api)
    {
        api.MapPost("/plugins/validate", ValidateAsync).WithTags("Plug-ins").Needs(AppliancePermissions.Inspect).Answers<PackageReport>("Say all that is wrong with a plug-in's package, and deploy nothing")
            .TakesUpload("Part 'file' (the OVA).");
        return api;
    }

    /// <summary>Maps the schema beside the pages; it is no secret.</summary>
    public static void MapManifestSchema(this IEndpointRouteBuilder app) =>
        app.MapGet(SchemaPath, () => Results.Stream(typeof(PackageValidator).Assembly.GetManifestResourceStream("schemas/quarterdeck-plugin.schema.json")!, "application/schema+json"))
            .AllowAnonymous().ExcludeFromDescription();

    internal static async Task<IResult> ValidateAsync(HttpContext http, PackageValidator validator, ApplianceImport import, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await validator.MayValidateAsync(caller, cancellation)).Problem is { } refused) return refused.ToHttp();
        if (!ApplianceUpload.Open(http, import.MaxPackageBytes).TryGet(out var upload, out var tooLarge)) return tooLarge.ToHttp();
        if (!(await upload.FileAsync(needsSpec: false, cancellation)).TryGet(out var file, out var problem)) return problem.ToHttp();
        var answer = await validator.ValidateAsync(caller, file, cancellation);
        // The rest of a package that was refused in its middle is read away: a browser shows an answer only once it has sent everything.
        await file.CopyToAsync(Stream.Null, cancellation);
        return answer.ToOk();
    }
}
