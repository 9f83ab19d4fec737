using Quarterdeck.Workers.Objects;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Workers.Bindings;
using Quarterdeck.Workers.Figures;
using Quarterdeck.Workers.Front;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Runtime;
using Quarterdeck.Workers.Tiers;

namespace Quarterdeck.Workers;

/// <summary>Registers the room.</summary>
public static class WorkersServices
{
    /// <summary>Adds workers, zones and what routes by them, for the console itself.</summary>
    public static IServiceCollection AddWorkers(this IServiceCollection services) => services.AddWorkerNode().AddRegistry();

    /// <summary>Adds what serves zones by definitions that are made elsewhere. Each sub-folder adds its own below.</summary>
    public static IServiceCollection AddWorkerNode(this IServiceCollection services)
    {
        services.AddWorkerTable();
        services.AddFigures();
        services.AddGuardAndTiers();
        services.AddRuntime();
        services.AddObjects();
        services.AddBindings();
        services.AddFront();
        return services;
    }
}
