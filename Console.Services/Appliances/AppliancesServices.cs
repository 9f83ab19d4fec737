using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Appliances;

/// <summary>Registration of the room.</summary>
public static class AppliancesServices
{
    /// <summary>Adds the import of OVA packages. Needs Operations, Hosts, Secrets and Access.</summary>
    public static IServiceCollection AddAppliances(this IServiceCollection services)
    {
        services.AddSingleton<ApplianceImport>();
        return services;
    }
}
