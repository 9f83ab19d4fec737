using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Workers.Bindings;
using Quarterdeck.Workers.Bindings.Buckets;
using Quarterdeck.Workers.Bindings.Crons;
using Quarterdeck.Workers.Bindings.Queues;
using Quarterdeck.Workers.Projects;

namespace Quarterdeck.Workers.Registry;

/// <summary>Registers definitions: what workers and zones there are, and the table that is made of them.</summary>
internal static class RegistrySetup
{
    /// <summary>What every node needs that serves workers: reading definitions, and following them.</summary>
    public static IServiceCollection AddWorkerTable(this IServiceCollection services)
    {
        services.AddOptions<WorkersOptions>().BindConfiguration("Quarterdeck:Workers").ValidateOnStart();
        services.AddSingleton<IValidateOptions<WorkersOptions>, WorkersOptionsValidator>();
        services.AddSingleton<Objects.ObjectStore>();
        services.AddSingleton<BlobStore>().AddSingleton<SecretValues>().AddSingleton<PolicyStore>().AddSingleton<DeploymentStore>().AddSingleton<VersionStore>().AddSingleton<WorkerStore>().AddSingleton<ZoneStore>();
        services.AddSingleton<CodeReader>().AddSingleton<TableStore>().AddSingleton<TableTopics>().AddSingleton<WorkerTable>().AddSingleton<OwnNames>();
        services.AddSingleton(p => new WorkerCodeStore(p.GetRequiredService<CodeReader>()));
        services.AddSingleton<IWorkerCodeSource>(p => p.GetRequiredService<WorkerCodeStore>());
        services.AddSingleton(p => new EventStream<Worker>("workers", w => w.Id.ToString(), p.GetRequiredService<WorkerStore>().LoadAsync, p.GetRequiredService<EventBus>()));
        services.AddSingleton(p => new EventStream<Zone>("zones", z => z.Hostname, p.GetRequiredService<ZoneStore>().LoadAsync, p.GetRequiredService<EventBus>()));
        services.AddSingleton<WorkerNews>();
        services.AddHostedService<TableFollower>();
        return services;
    }

    /// <summary>What changes definitions, for the console itself.</summary>
    public static IServiceCollection AddRegistry(this IServiceCollection services)
    {
        services.AddPermissions(typeof(WorkersPermissions));
        services.AddBucketStores().AddSingleton<IRepositoryUse, BucketUse>();
        services.TryAddSingleton<QueueStore>();
        services.TryAddSingleton<MessageStore>();
        services.TryAddSingleton<QueueSender>();
        services.AddSingleton<QueueUsers>();
        services.AddSingleton<Objects.ClassMigrator>().AddSingleton<BindingReader>().AddSingleton<UploadCheck>().AddSingleton<VersionMaker>().AddSingleton<Deployer>();
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(p => new WorkerRegistry(p.GetRequiredService<WorkerStore>(), p.GetRequiredService<VersionMaker>(), p.GetRequiredService<WorkerNews>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        services.AddSingleton(p => new WorkerVersions(p.GetRequiredService<WorkerStore>(), p.GetRequiredService<VersionStore>(), p.GetRequiredService<CodeReader>(), p.GetRequiredService<Guard>()));
        services.AddSingleton(p => new WorkerDeployments(p.GetRequiredService<WorkerStore>(), p.GetRequiredService<DeploymentStore>(), p.GetRequiredService<Deployer>(), p.GetRequiredService<Guard>()));
        services.AddSingleton(p => new Zones(p.GetRequiredService<ZoneStore>(), p.GetRequiredService<WorkerStore>(), p.GetRequiredService<OwnNames>(), p.GetRequiredService<WorkerNews>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        services.AddSingleton(p => new WorkerCrons(p.GetRequiredService<CronStore>(), p.GetRequiredService<WorkerTable>(), p.GetRequiredService<Guard>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new WorkerQueues(p.GetRequiredService<QueueStore>(), p.GetRequiredService<QueueUsers>(), p.GetRequiredService<QueueSender>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        services.AddSingleton(p => new WorkerBuckets(p.GetRequiredService<BucketStore>(), p.GetRequiredService<BucketObjects>(), p.GetRequiredService<RepositoryObjectPlaces>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        services.AddSingleton(p => new WorkerPolicies(p.GetRequiredService<PolicyStore>(), p.GetRequiredService<WorkerNews>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        services.TryAddSingleton<ProcessRunner>();
        services.AddSingleton<Bundler>();
        services.AddSingleton(p => new WorkerProjects(p.GetRequiredService<WorkerRegistry>(), p.GetRequiredService<Zones>(), p.GetRequiredService<Bundler>(), p.GetRequiredService<IOptions<WorkersOptions>>()));
        services.AddHostedService<RollbackWatch>();
        services.AddHostedService<BlobSweep>();
        return services;
    }
}
