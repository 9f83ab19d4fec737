using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Workers.NativeGuard;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Tiers;

/// <summary>Registers the guard and the tiers; every node that runs workers needs both.</summary>
internal static class TiersSetup
{
    public static IServiceCollection AddGuardAndTiers(this IServiceCollection services)
    {
        services.AddOptions<TiersOptions>().BindConfiguration("Quarterdeck:Workers:Tiers").ValidateOnStart();
        services.AddSingleton<IValidateOptions<TiersOptions>, TiersOptionsValidator>();
        services.AddSingleton<TierStore>();
        services.AddSingleton(p => new TierBook(p.GetRequiredService<TierStore>(), p.GetRequiredService<WorkerStore>(), p.GetRequiredService<WorkerNews>(), p.GetRequiredService<Guard>(),
            p.GetRequiredService<IOptions<TiersOptions>>(), p.GetRequiredService<ILogger<TierBook>>()));
        services.AddHostedService<TierReturns>();
        services.AddSingleton<GuardLibrary>().AddSingleton<GuardPatrol>();
        services.AddHostedService(p => p.GetRequiredService<GuardPatrol>());
        return services;
    }
}
