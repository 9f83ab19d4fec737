using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Workers.Figures;

/// <summary>Registers figures and logs of workers; <c>AddWorkers</c> calls it.</summary>
internal static class FiguresSetup
{
    public static IServiceCollection AddFigures(this IServiceCollection services)
    {
        services.AddSingleton<WorkerFigures>().AddSingleton<FigureStore>();
        services.AddHostedService<FigureKeeper>();
        services.AddSingleton<WorkerTails>().AddSingleton<ITailSink>(p => p.GetRequiredService<WorkerTails>());
        return services;
    }
}
