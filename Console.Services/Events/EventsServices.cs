using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Events;

/// <summary>Registers live updates.</summary>
public static class EventsServices
{
    /// <summary>Adds the <see cref="EventBus"/>, which connects while the host runs. Rooms add their own <see cref="EventStream{T}"/> as singletons.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services) => services.AddSingleton<EventBus>();
}
