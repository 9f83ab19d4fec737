using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Operations.Running;
using Quarterdeck.Operations.Scheduling;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations;

/// <summary>Registration of the room.</summary>
public static class OperationsServices
{
    /// <summary>Adds the queue, the reader, the live stream <c>operations</c> and the node that runs operations. Needs database, events and access.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services, Action<OperationsOptions>? configure = null)
    {
        services.AddOptions<OperationsOptions>().BindConfiguration("Quarterdeck:Operations").ValidateOnStart();
        services.AddSingleton<IValidateOptions<OperationsOptions>, OperationsOptionsValidator>();
        if (configure is not null) services.Configure(configure);
        services.AddPermissions(typeof(OperationPermissions));
        AddStores(services);
        AddRunning(services);
        services.AddSingleton(p => new OperationQueue(p.GetRequiredService<OperationsCore>()));
        services.AddSingleton(p => new OperationReader(p.GetRequiredService<ReadStore>(), p.GetRequiredService<OperationKinds>(), p.GetRequiredService<Guard>()));
        return services;
    }

    /// <summary>Adds the code of one kind of operation, as a singleton that is first made when needed: handlers may use services that use the queue.</summary>
    public static IServiceCollection AddOperationHandler<THandler>(this IServiceCollection services)
        where THandler : class, IOperationHandler => services.AddSingleton<IOperationHandler, THandler>();

    private static void AddStores(IServiceCollection services)
    {
        services.AddSingleton<OperationIds>();
        services.AddSingleton<GroupCommit>();
        services.AddSingleton<OperationStore>();
        services.AddSingleton<EndingStore>();
        services.AddSingleton<RestartStore>();
        services.AddSingleton<StepStore>();
        services.AddSingleton<NodeStore>();
        services.AddSingleton<SweepStore>();
        services.AddSingleton<ReadStore>();
        services.AddSingleton(p => new EventStream<OperationInfo>("operations", o => o.Id.ToString(),
            (keys, cancellation) => p.GetRequiredService<ReadStore>().LoadAsync([.. keys.Select(Guid.Parse)], cancellation), p.GetRequiredService<EventBus>()));
    }

    private static void AddRunning(IServiceCollection services)
    {
        services.AddSingleton<OperationKinds>();
        services.AddSingleton<OperationFeed>();
        services.AddSingleton<NodeIdentity>();
        services.AddSingleton<Patience>();
        services.AddSingleton<ReadyQueue>();
        services.AddSingleton<RunRegistry>();
        services.AddSingleton<HoldPoint>();
        services.AddSingleton<RunFactory>();
        services.AddSingleton<Canceller>();
        services.AddSingleton<RunEnding>();
        services.AddSingleton<OperationRunner>();
        services.AddSingleton<Admission>();
        services.AddSingleton<Recovery>();
        services.AddSingleton<OperationsCore>();
        services.AddSingleton<JobEngine>();
        services.AddSingleton<ILoggerProvider, LogBridge>();
        services.AddSingleton<IHostedService, NodeLife>();
    }
}
