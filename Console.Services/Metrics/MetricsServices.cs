using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Quarterdeck.Metrics;

/// <summary>Registers metrics.</summary>
public static class MetricsServices
{
    /// <summary>Adds the <see cref="MetricsRegistry"/>, which collects from the start of the host.</summary>
    public static IServiceCollection AddConsoleMetrics(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddSingleton<MetricsRegistry>();
        services.AddHostedService<CollectFromStart>();
        return services;
    }

    /// <summary>Counters that count before anyone listens are lost.</summary>
    private sealed class CollectFromStart(MetricsRegistry registry) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            GC.KeepAlive(registry);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
