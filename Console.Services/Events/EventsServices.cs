using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Quarterdeck.Events;

/// <summary>Registers live updates.</summary>
public static class EventsServices
{
    /// <summary>Adds the <see cref="EventBus"/>, which connects while the host runs. Rooms add their own <see cref="EventStream{T}"/> as singletons.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<EventBus>();
        services.AddHostedService(provider => provider.GetRequiredService<EventBus>());
        return services;
    }
}
