using System.Text.Json;
using Microsoft.Extensions.Options;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Vms;

/// <summary>REST of VMs: <c>/api/v1/vms</c>. What takes longer answers 202 with the operation.</summary>
internal static class VmEndpoints
{
    /// <summary>Maps them, and those of snapshots, on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapVms(this IEndpointRouteBuilder api)
    {
        var vms = api.MapGroup("/vms").WithTags("Virtual machines");
        vms.MapGet("", ListAsync).Needs(HostsPermissions.ReadVms).Produces<Listing<Vm>>()
            .WithSummary("List VMs").WithDescription("Filters: hostId, state (running, paused, off, crashed), tag. Sorts by name, state, host, vcpus or memoryMiB; searches in name, id and tags.");
        vms.MapPost("", CreateAsync).Needs(HostsPermissions.ManageVms).Produces<AcceptedOperation>(202)
            .WithSummary("Create a VM").WithDescription("The operation's result is {vmId}. sourcePath and cdrom are for administrators, inside the image roots, and used in place.");
        vms.MapGet("/tags", TagsAsync).Needs(HostsPermissions.ReadVms).Produces<IReadOnlyList<string>>().WithSummary("List every tag that some VM has");
        vms.MapGet("/{id:guid}", GetAsync).Needs(HostsPermissions.ReadVms).Produces<Vm>().WithSummary("Read a VM");
        vms.MapPatch("/{id:guid}", EditAsync).Needs(HostsPermissions.ManageVms).Produces<Vm>()
            .WithSummary("Change a VM").WithDescription("The answer is the VM; its field atNextStart names what holds only from its next start.");
        vms.MapDelete("/{id:guid}", DeleteAsync).Needs(HostsPermissions.ManageVms).Produces<AcceptedOperation>(202)
            .WithSummary("Delete a VM").WithDescription("With ?disks=true its disks go too, except such as other VMs use or no storage pool holds.");
        foreach (var action in Enum.GetValues<VmAction>())
        {
            var word = action.ToString().ToLowerInvariant();
            vms.MapPost($"/{{id:guid}}/actions/{word}", (Guid id, HttpContext http, VirtualMachines machines, CancellationToken cancellation) => ActAsync(id, action, http, machines, cancellation))
                .Needs(HostsPermissions.PowerVms).Produces<AcceptedOperation>(202).WithSummary(Summary(action));
        }
        vms.MapGet("/{id:guid}/metrics", MetricsAsync).Needs(HostsPermissions.ReadVms).Produces<VmMetrics>().WithSummary("Read a VM's use over the last hour");
        vms.MapGet("/{id:guid}/screenshot", ScreenshotAsync).Needs(HostsPermissions.ConsoleVms).Produces(200, contentType: "image/png").WithSummary("Read a picture of a VM's screen");
        vms.MapSnapshots();
        return api;
    }

    private static async Task<IResult> ListAsync(
        ListQuery list, string? hostId, string? state, string? tag, HttpContext http, VirtualMachines machines, CancellationToken cancellation)
    {
        if (!list.Page(VmFilter.Sortable).TryGet(out var page, out var problem)) return problem.ToHttp();
        if (!VmFilter.Read(hostId, state, tag).TryGet(out var query, out problem)) return problem.ToHttp();
        return (await machines.ListAsync(CallerAccessor.FromHttp(http), query, page, cancellation)).ToList();
    }

    private static async Task<IResult> CreateAsync(JsonBody<NewVm> body, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var vm, out var problem)
            ? (await machines.CreateAsync(CallerAccessor.FromHttp(http), vm, cancellation)).ToAccepted()
            : problem.ToHttp();

    private static async Task<IResult> TagsAsync(HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.TagsAsync(CallerAccessor.FromHttp(http), cancellation)).ToOk();

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> EditAsync(
        Guid id, JsonBody<VmChange> body, HttpContext http, VirtualMachines machines, IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await machines.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        if (!(await body.ReadAsync(cancellation)).TryGet(out var change, out var problem)) return problem.ToHttp();
        return (await machines.EditAsync(caller, id, change, cancellation)).ToOk(edited =>
        {
            var options = json.Value.SerializerOptions;
            var answer = JsonSerializer.SerializeToNode(edited.Vm, options)!.AsObject();
            answer["atNextStart"] = JsonSerializer.SerializeToNode(edited.AtNextStart, options);
            return answer;
        });
    }

    private static async Task<IResult> DeleteAsync(Guid id, bool? disks, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.DeleteAsync(CallerAccessor.FromHttp(http), id, disks ?? false, cancellation)).ToAccepted();

    private static async Task<IResult> ActAsync(Guid id, VmAction action, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.ActAsync(CallerAccessor.FromHttp(http), id, action, cancellation)).ToAccepted();

    private static async Task<IResult> MetricsAsync(Guid id, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.MetricsAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> ScreenshotAsync(Guid id, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.ScreenshotAsync(CallerAccessor.FromHttp(http), id, cancellation)).TryGet(out var png, out var problem)
            ? TypedResults.Bytes(png, "image/png")
            : problem.ToHttp();

    private static string Summary(VmAction action) => action switch
    {
        VmAction.Start => "Power a VM on",
        VmAction.Shutdown => "Ask a VM's guest to shut down",
        VmAction.Stop => "Cut a VM's power",
        VmAction.Reboot => "Ask a VM's guest to reboot",
        VmAction.Pause => "Stop a VM's processors, keeping its memory",
        _ => "Let a paused VM go on",
    };
}
