using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Workers.Figures;
using Quarterdeck.Workers.Front;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers;

/// <summary>Registers the room.</summary>
public static class WorkersServices
{
    /// <summary>Adds workers, zones and what routes by them. Each sub-folder adds its own below.</summary>
    public static IServiceCollection AddWorkers(this IServiceCollection services)
    {
        services.AddOptions<WorkersOptions>().BindConfiguration("Quarterdeck:Workers").ValidateOnStart();
        services.AddSingleton<IValidateOptions<WorkersOptions>, WorkersOptionsValidator>();
        services.AddPermissions(typeof(WorkersPermissions));
        services.AddSingleton<WorkerTable>().AddSingleton<CodeReader>();
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(p => new WorkerCodeStore(p.GetRequiredService<CodeReader>()));
        services.AddFigures();
        services.AddSingleton<IWorkerCodeSource>(p => p.GetRequiredService<WorkerCodeStore>());
        services.AddSingleton<ServerFleet>().AddSingleton(p => new ComputeServers(p.GetRequiredService<ServerFleet>()));
        services.AddFront();
        return services;
    }
}
