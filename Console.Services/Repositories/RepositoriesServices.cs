using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Repositories.Registry;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Schedules;

namespace Quarterdeck.Repositories;

/// <summary>Registration of the room.</summary>
public static class RepositoriesServices
{
    /// <summary>Adds the registry and the connections of backup repositories, the live topic <c>repositories</c>, and the operations that keep them in order.</summary>
    public static IServiceCollection AddRepositories(this IServiceCollection services)
    {
        services.AddRepositoryObjects();
        services.AddPermissions(typeof(RepositoriesPermissions));
        services.AddSingleton<RepositoryAdmission>();
        services.AddSingleton<RepositoryFirst>();
        services.AddSingleton(s => new EventStream<RepositoryInfo>("repositories", r => r.Id.ToString("D"), s.GetRequiredService<RepositoryStore>().LoadAsync, s.GetRequiredService<EventBus>()));
        services.AddSingleton<RepositoryWatch>();
        services.AddHostedService(s => s.GetRequiredService<RepositoryWatch>());
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(s => new RepositoryConnections(s.GetRequiredService<RepositoryStore>(), s.GetRequiredService<RepositoryPlaces>(), s.GetRequiredService<RepositoryWatch>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new RepositoryRegistry(
            s.GetRequiredService<RepositoryStore>(), s.GetRequiredService<RepositoryAdmission>(), s.GetRequiredService<RepositoryPlaces>(), s.GetRequiredService<RepositoryWatch>(),
            s.GetServices<IRepositoryUse>(), s.GetRequiredService<RepositorySchedules>(), s.GetRequiredService<EventStream<RepositoryInfo>>(), s.GetRequiredService<Guard>(), s.GetRequiredService<AuditLog>()));
        services.AddSingleton(s => new RepositoryUpkeep(s.GetRequiredService<RepositoryStore>(), s.GetRequiredService<OperationQueue>(), s.GetRequiredService<Guard>()));
        services.AddSingleton(s => new RepositorySchedules(s.GetRequiredService<RepositoryStore>(), s.GetRequiredService<ScheduleBook>(), s.GetRequiredService<Db>(), s.GetRequiredService<Guard>(), s.GetRequiredService<AuditLog>()));
        services.AddScheduledAction<ScheduledVerify>().AddScheduledAction<ScheduledPrune>().AddScheduledAction<ScheduledCollect>();
        services.AddSingleton<UpkeepCalls>();
        services.AddOperationHandler<VerifyHandler>().AddOperationHandler<PruneHandler>().AddOperationHandler<CollectHandler>().AddOperationHandler<CopyHandler>();
        return services;
    }
}
