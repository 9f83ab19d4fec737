using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Hosts;

/// <summary>REST of hosts: <c>/api/v1/hosts</c>.</summary>
internal static class HostEndpoints
{
    private static readonly string[] Sortable = ["name", "uri", "state"];

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapHosts(this IEndpointRouteBuilder api)
    {
        var hosts = api.MapGroup("/hosts").WithTags("Hosts");
        hosts.MapGet("", ListAsync).Needs(HostsPermissions.ReadHosts).Produces<Listing<HostInfo>>()
            .WithSummary("List hosts").WithDescription("Sorts by name, uri or state; searches in name and URI.");
        hosts.MapPost("", AddAsync).Needs(HostsPermissions.ManageHosts).Produces<HostInfo>(201)
            .WithSummary("Add a host").WithDescription("Answers at once; the host is disconnected until its hypervisor answers. The URI must be of the allow-list.");
        hosts.MapGet("/{id:guid}", GetAsync).Needs(HostsPermissions.ReadHosts).Produces<HostInfo>().WithSummary("Read a host");
        hosts.MapPatch("/{id:guid}", EditAsync).Needs(HostsPermissions.ManageHosts).Produces<HostInfo>()
            .WithSummary("Rename a host, or take it into or out of maintenance");
        hosts.MapDelete("/{id:guid}", RemoveAsync).Needs(HostsPermissions.ManageHosts).Produces(204)
            .WithSummary("Forget a host and its VMs").WithDescription("Nothing is changed on the host itself.");
        hosts.MapPost("/{id:guid}/actions/reconnect", ReconnectAsync).Needs(HostsPermissions.ManageHosts).Produces<HostInfo>()
            .WithSummary("Try a disconnected host now rather than after its back-off");
        hosts.MapGet("/{id:guid}/pools", PoolsAsync).Needs(HostsPermissions.ReadHosts).Produces<IReadOnlyList<PoolInfo>>().WithSummary("List the host's storage pools");
        hosts.MapGet("/{id:guid}/networks", NetworksAsync).Needs(HostsPermissions.ReadHosts).Produces<IReadOnlyList<NetworkInfo>>().WithSummary("List the host's libvirt networks");
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, HostRegistry hosts, CancellationToken cancellation) =>
        list.Page(Sortable).TryGet(out var page, out var problem)
            ? (await hosts.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList()
            : problem.ToHttp();

    private static async Task<IResult> AddAsync(JsonBody<NewHost> body, HttpContext http, HostRegistry hosts, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var host, out var problem)
            ? (await hosts.AddAsync(CallerAccessor.FromHttp(http), host, cancellation)).ToCreated(h => $"/hosts/{h.Id}", h => h)
            : problem.ToHttp();

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, HostRegistry hosts, CancellationToken cancellation) =>
        (await hosts.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> EditAsync(Guid id, JsonBody<HostChange> body, HttpContext http, HostRegistry hosts, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await hosts.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var change, out var problem)
            ? (await hosts.EditAsync(caller, id, change, cancellation)).ToOk()
            : problem.ToHttp();
    }

    private static async Task<IResult> RemoveAsync(Guid id, HttpContext http, HostRegistry hosts, CancellationToken cancellation) =>
        (await hosts.RemoveAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent();

    private static async Task<IResult> ReconnectAsync(Guid id, HttpContext http, HostRegistry hosts, CancellationToken cancellation) =>
        (await hosts.ReconnectAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> PoolsAsync(Guid id, HttpContext http, HostRegistry hosts, CancellationToken cancellation) =>
        (await hosts.PoolsAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> NetworksAsync(Guid id, HttpContext http, HostRegistry hosts, CancellationToken cancellation) =>
        (await hosts.NetworksAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();
}
