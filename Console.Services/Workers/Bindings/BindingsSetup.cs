using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Workers.Bindings.Kv;

namespace Quarterdeck.Workers.Bindings;

/// <summary>Registers what answers for bindings.</summary>
internal static class BindingsSetup
{
    public static IServiceCollection AddBindings(this IServiceCollection services)
    {
        services.AddSingleton<KvStore>().AddSingleton<IBindingService, KvBinding>().AddHostedService<KvSweep>();
        return services;
    }
}
