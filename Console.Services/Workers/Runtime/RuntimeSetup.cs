using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Workers.Egress;
using Quarterdeck.Workers.NativeGuard;
using Quarterdeck.Workers.Nodes;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Registers compute servers and what they ask of the console; <c>AddWorkers</c> calls it.</summary>
internal static class RuntimeSetup
{
    public static IServiceCollection AddRuntime(this IServiceCollection services)
    {
        services.TryAddSingleton<ProcessRunner>();
        services.AddSingleton<WorkerdBinary>().AddSingleton<Sandbox>().AddSingleton<RunFolder>().AddSingleton<CodePackages>().AddSingleton<ServerParts>();
        services.AddSingleton<GuardWatch>(p => p.GetRequiredService<GuardPatrol>().Watch);
        services.AddSingleton(p => new ServerFleet(
            p.GetRequiredService<ServerParts>(), p.GetRequiredService<WorkerTable>(),
            end => p.GetRequiredService<TierBook>().StrikeAsync(end.Blame!.Value.Serial, end.Kind, end.Detail, 1, CancellationToken.None),
            p.GetRequiredService<IOptions<OperationsOptions>>(), p.GetRequiredService<ILogger<ServerFleet>>()));
        services.AddSingleton<NodeStore>().AddHostedService<NodeReporter>();
        services.AddSingleton(p => new ComputeNodes(p.GetRequiredService<ServerFleet>(), p.GetRequiredService<NodeStore>(), p.GetRequiredService<NodeName>(), p.GetRequiredService<EventBus>(), p.GetRequiredService<Guard>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new EgressFilter(p.GetRequiredService<IOptions<WorkersOptions>>()));
        services.AddSingleton<IWorkerCodeSource>(p => p.GetRequiredService<WorkerCodeStore>());
        services.AddSingleton(p => new ComputeServers(p.GetRequiredService<ServerFleet>(), p.GetRequiredService<Objects.ObjectFleet>()));
        services.AddSingleton<IStartupCheck, StartupCheck>();
        services.AddHostedService<CodeAhead>();
        services.AddHostedService(p => p.GetRequiredService<ServerFleet>());
        return services;
    }
}
