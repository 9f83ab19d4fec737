using Quarterdeck.Hosts;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Vms;

/// <summary>REST of a VM's snapshots: <c>/api/v1/vms/{id}/snapshots</c>.</summary>
internal static class SnapshotEndpoints
{
    /// <summary>Maps them on the group of VMs.</summary>
    public static void MapSnapshots(this IEndpointRouteBuilder vms)
    {
        vms.MapGet("/{id:guid}/snapshots", ListAsync).Needs(HostsPermissions.ReadVms).Produces<Listing<VmSnapshot>>()
            .WithSummary("List a VM's snapshots").WithDescription("Oldest first; all of them are on one page.");
        vms.MapPost("/{id:guid}/snapshots", TakeAsync).Needs(HostsPermissions.SnapshotVms).Produces<AcceptedOperation>(202).WithSummary("Take a snapshot");
        vms.MapPost("/{id:guid}/snapshots/{name}/revert", RevertAsync).Needs(HostsPermissions.SnapshotVms).Produces<AcceptedOperation>(202)
            .WithSummary("Revert a VM to a snapshot").WithDescription("What the VM wrote since then is lost.");
        vms.MapDelete("/{id:guid}/snapshots/{name}", DeleteAsync).Needs(HostsPermissions.SnapshotVms).Produces<AcceptedOperation>(202).WithSummary("Delete a snapshot");
    }

    private static async Task<IResult> ListAsync(Guid id, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.SnapshotsAsync(CallerAccessor.FromHttp(http), id, cancellation))
            .ToOk(all => new Listing<VmSnapshot>(all, all.Count, 1, Math.Max(all.Count, 1)));

    private static async Task<IResult> TakeAsync(Guid id, JsonBody<NewSnapshot> body, HttpContext http, VirtualMachines machines, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await machines.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var snapshot, out var problem)
            ? (await machines.TakeSnapshotAsync(caller, id, snapshot, cancellation)).ToAccepted()
            : problem.ToHttp();
    }

    private static async Task<IResult> RevertAsync(Guid id, string name, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.RevertAsync(CallerAccessor.FromHttp(http), id, name, cancellation)).ToAccepted();

    private static async Task<IResult> DeleteAsync(Guid id, string name, HttpContext http, VirtualMachines machines, CancellationToken cancellation) =>
        (await machines.DeleteSnapshotAsync(CallerAccessor.FromHttp(http), id, name, cancellation)).ToAccepted();
}
