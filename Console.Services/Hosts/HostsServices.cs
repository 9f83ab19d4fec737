using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Hosts;

/// <summary>Registers the room.</summary>
public static class HostsServices
{
    /// <summary>Adds hosts and VMs.</summary>
    public static IServiceCollection AddHosts(this IServiceCollection services) => services
        .AddSingleton<HostConnections>()
        .AddSingleton<HostRegistry>()
        .AddSingleton<VirtualMachines>();
}
