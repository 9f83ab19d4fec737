using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Operations;

/// <summary>Registration of the room.</summary>
public static class OperationsServices
{
    /// <summary>Adds the queue, the reader and the runner. Needs <see cref="Database.Db"/> and <see cref="TimeProvider"/>.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services, Action<OperationsOptions>? configure = null)
    {
        services.AddOptions<OperationsOptions>().BindConfiguration("Quarterdeck:Operations");
        if (configure is not null) services.Configure(configure);
        services.AddSingleton<OperationQueue>();
        services.AddSingleton<OperationReader>();
        return services;
    }

    /// <summary>Adds the code of one kind of operation, as a singleton that is first made when needed: handlers may use services that use the queue.</summary>
    public static IServiceCollection AddOperationHandler<THandler>(this IServiceCollection services)
        where THandler : class, IOperationHandler => services.AddSingleton<IOperationHandler, THandler>();
}
