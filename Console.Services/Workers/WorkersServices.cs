using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Workers.Figures;
using Quarterdeck.Workers.Front;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Runtime;
using Quarterdeck.Workers.Tiers;

namespace Quarterdeck.Workers;

/// <summary>Registers the room.</summary>
public static class WorkersServices
{
    /// <summary>Adds workers, zones and what routes by them. Each sub-folder adds its own below.</summary>
    public static IServiceCollection AddWorkers(this IServiceCollection services)
    {
        services.AddWorkerTable();
        services.AddRegistry();
        services.AddFigures();
        services.AddGuardAndTiers();
        services.AddRuntime();
        services.AddFront();
        return services;
    }
}
