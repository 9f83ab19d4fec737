using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Objects;

/// <summary>Registers durable objects; every node that runs workers needs them.</summary>
internal static class ObjectsSetup
{
    public static IServiceCollection AddObjects(this IServiceCollection services)
    {
        services.AddSingleton<StoreLease>().AddSingleton<ObjectRouter>().AddSingleton<PeerDoor>();
        services.AddSingleton<Func<IObjectRouter>>(p => p.GetRequiredService<ObjectRouter>);
        services.AddSingleton(p => new ObjectFleet(
            p.GetRequiredService<ServerParts>(), p.GetRequiredService<WorkerTable>(), p.GetRequiredService<StoreLease>(), p.GetRequiredService<ObjectStore>(), p.GetRequiredService<IOptions<WorkersOptions>>().Value.Objects,
            end => p.GetRequiredService<TierBook>().StrikeAsync(end.Blame!.Value.Serial, end.Kind, end.Detail, 1, CancellationToken.None),
            p.GetRequiredService<IOptions<OperationsOptions>>(), p.GetRequiredService<ILogger<ObjectFleet>>()));
        services.AddSingleton(p => new WorkerObjects(p.GetRequiredService<ObjectStore>(), p.GetRequiredService<ObjectRouter>(), p.GetRequiredService<ObjectFleet>(), p.GetRequiredService<WorkerTable>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        // The door says where it is before the lease tells the others; the lease ends after the processes that it allows.
        services.AddHostedService(p => p.GetRequiredService<PeerDoor>());
        services.AddHostedService(p => p.GetRequiredService<StoreLease>());
        services.AddHostedService(p => p.GetRequiredService<ObjectFleet>());
        return services;
    }
}
