using Quarterdeck.Appliances;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Appliances;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Web.Plugins;

/// <summary>REST of plug-ins: <c>/api/v1/plugins</c>, and the hub's topic of the same name. Enrolment and heartbeats are served by <see cref="ApplianceListener"/> alone.</summary>
internal static class PluginEndpoints
{
    private static readonly string[] Sortable = ["name", "key", "vendor", "version", "state", "createdAt"];

    /// <summary>Lets clients of the hub follow <c>plugins</c>.</summary>
    public static IServiceCollection AddPluginsTopic(this IServiceCollection services) =>
        services.AddLiveTopic<Plugin, Plugin>("plugins", PluginPermissions.Read, p => p.GetRequiredService<PluginRegistry>().ListAsync, x => x);

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapPlugins(this IEndpointRouteBuilder api)
    {
        var plugins = api.MapGroup("/plugins").WithTags("Plug-ins");
        plugins.MapGet("", ListAsync).Needs(PluginPermissions.Read).Answers<Listing<Plugin>>("List plug-ins");
        plugins.MapGet("/{id:guid}", GetAsync).Needs(PluginPermissions.Read).Answers<Plugin>("Show a plug-in");
        plugins.MapDelete("/{id:guid}", UninstallAsync).Needs(PluginPermissions.Manage).AnswersOperation("Uninstall a plug-in with its VM and disks");
        plugins.MapPost("/{id:guid}/actions/enable", EnableAsync).Needs(PluginPermissions.Manage).AnswersOperation("Accept a plug-in's token again, and start its VM");
        plugins.MapPost("/{id:guid}/actions/disable", DisableAsync).Needs(PluginPermissions.Manage).AnswersOperation("Refuse a plug-in's token from now on")
            .TakesQuery("stopVm", "true: its VM is shut down, too.");
        plugins.MapPost("/{id:guid}/actions/upgrade", UpgradeAsync).Needs(PluginPermissions.Manage).AnswersOperation("Upgrade a plug-in from a newer OVA, with a way back until the new version is ready")
            .TakesUpload("Parts: 'spec' (JSON: properties, networks, deploymentOption, acceptEula, allowUnsigned, allowDowngrade, capabilities; what is left out stays as it is) first, then 'file' (the OVA). Read once, as it arrives.");
        plugins.MapGet("/{id:guid}/history", HistoryAsync).Needs(PluginPermissions.Read).Answers<IReadOnlyList<PluginMoment>>("The last changes of a plug-in's state and health, newest first");
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, PluginRegistry plugins, CancellationToken cancellation) =>
        list.Page(Sortable).TryGet(out var page, out var problem) ? (await plugins.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, PluginRegistry plugins, CancellationToken cancellation) =>
        (await plugins.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> UninstallAsync(Guid id, HttpContext http, PluginRegistry plugins, CancellationToken cancellation) =>
        (await plugins.UninstallAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> EnableAsync(Guid id, HttpContext http, PluginRegistry plugins, CancellationToken cancellation) =>
        (await plugins.EnableAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> DisableAsync(Guid id, HttpContext http, PluginRegistry plugins, CancellationToken cancellation) =>
        (await plugins.DisableAsync(CallerAccessor.FromHttp(http), id, string.Equals(http.Request.Query["stopVm"], "true", StringComparison.OrdinalIgnoreCase), cancellation)).ToAccepted();

    private static async Task<IResult> HistoryAsync(Guid id, HttpContext http, PluginRegistry plugins, CancellationToken cancellation) =>
        (await plugins.HistoryAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    internal static async Task<IResult> UpgradeAsync(Guid id, HttpContext http, PluginRegistry plugins, ApplianceImport import, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await plugins.MayUpgradeAsync(caller, id, cancellation)).Problem is { } refused) return refused.ToHttp();
        if (!ApplianceUpload.Open(http, import.MaxPackageBytes).TryGet(out var upload, out var tooLarge)) return tooLarge.ToHttp();
        UpgradeSpec spec = new();
        if (!(await upload.FileAsync<UpgradeSpec>(needsSpec: true, s => spec = s, cancellation)).TryGet(out var file, out var problem)) return problem.ToHttp();
        return (await plugins.UpgradeAsync(caller, id, spec, file, upload.Length, cancellation)).ToAccepted();
    }
}
