using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Quarterdeck.Repositories;
using Quarterdeck.Workers.Bindings.Buckets;
using Quarterdeck.Workers.Bindings.Cache;
using Quarterdeck.Workers.Bindings.Crons;
using Quarterdeck.Workers.Bindings.Kv;
using Quarterdeck.Workers.Bindings.Queues;

namespace Quarterdeck.Workers.Bindings;

/// <summary>Registers what answers for bindings.</summary>
internal static class BindingsSetup
{
    public static IServiceCollection AddBindings(this IServiceCollection services)
    {
        services.AddSingleton<IBindingService, AssetBinding>();
        services.AddSingleton<CacheStore>().AddSingleton<IBindingService, CacheBinding>();
        services.AddSingleton<KvStore>().AddSingleton<IBindingService, KvBinding>().AddHostedService<KvSweep>();
        // The compute servers are made with the bindings: they are asked for when the first call comes.
        services.AddSingleton<IBindingService>(p => new ServiceBinding(p.GetRequiredService<WorkerTable>(), p.GetRequiredService<ComputeServers>));
        services.TryAddSingleton<MessageStore>();
        services.TryAddSingleton<QueueStore>();
        services.TryAddSingleton<QueueSender>();
        services.AddSingleton<IBindingService, QueueBinding>().AddHostedService<QueuePump>();
        services.AddBucketStores().AddSingleton<IBindingService, BucketBinding>().AddHostedService<WasteSweep>();
        services.AddSingleton<CronStore>().AddSingleton<Func<ComputeServers>>(p => p.GetRequiredService<ComputeServers>).AddHostedService<CronClock>();
        return services;
    }

    /// <summary>What keeps objects, for bindings and for the console's own pages.</summary>
    public static IServiceCollection AddBucketStores(this IServiceCollection services)
    {
        services.AddRepositoryObjects();
        services.TryAddSingleton<BucketStore>();
        services.TryAddSingleton<BucketIndex>();
        services.TryAddSingleton<UploadIndex>();
        services.TryAddSingleton<PartStore>();
        services.TryAddSingleton<BucketObjects>();
        return services;
    }
}
