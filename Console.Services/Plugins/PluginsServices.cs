using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Plugins;

/// <summary>Registration of the room.</summary>
public static class PluginsServices
{
    /// <summary>Adds the registry, enrolment and health of plug-ins. Needs Appliances.</summary>
    public static IServiceCollection AddPlugins(this IServiceCollection services)
    {
        services.AddSingleton<PluginRegistry>();
        return services;
    }
}
