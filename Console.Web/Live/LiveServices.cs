using Quarterdeck.Hosts;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Live;

/// <summary>Registers live pages and the hub.</summary>
public static class LiveServices
{
    /// <summary>Adds the hub and its topics.</summary>
    public static IServiceCollection AddLive(this IServiceCollection services)
    {
        services.AddScoped<LiveStatus>();
        services.AddSignalR(o =>
        {
            o.MaximumReceiveMessageSize = 32 << 10;
            o.EnableDetailedErrors = false;
        }).AddJsonProtocol(o => RestApi.Conventions(o.PayloadSerializerOptions));
        services.AddLiveTopic<HostInfo, HostInfo>("hosts", HostsPermissions.ReadHosts, p => p.GetRequiredService<HostRegistry>().ListAsync, x => x);
        services.AddLiveTopic<Vm, Vm>("vms", HostsPermissions.ReadVms,
            p => (caller, page, cancellation) => p.GetRequiredService<VirtualMachines>().ListAsync(caller, new VmQuery(), page, cancellation), x => x);
        return services;
    }

    /// <summary>Maps <c>/hubs/live</c>.</summary>
    public static void MapLive(this WebApplication app) => app.MapHub<LiveHub>("/hubs/live");
}
