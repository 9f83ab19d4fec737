using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Workers.Logs;
using Quarterdeck.Workers.Nodes;
using Quarterdeck.Workers.Traces;

namespace Quarterdeck.Workers.Figures;

/// <summary>Registers figures and logs of workers; <c>AddWorkers</c> calls it.</summary>
internal static class FiguresSetup
{
    public static IServiceCollection AddFigures(this IServiceCollection services)
    {
        services.AddSingleton<WorkerFigures>().AddSingleton<IVersionErrors>(p => p.GetRequiredService<WorkerFigures>()).AddSingleton<FigureStore>();
        services.AddSingleton<FigureExport>();
        services.AddHostedService<FigureKeeper>();
        services.AddSingleton<WorkerTails>().AddSingleton<ITailSink>(p => p.GetRequiredService<WorkerTails>());
        services.AddSingleton<NodeName>().AddSingleton<WatchStore>().AddSingleton<TailTopics>().AddHostedService<TailRelay>();
        services.AddSingleton<WorkerLogs>().AddSingleton<FigureReader>();
        services.AddSingleton(p => new WorkerHistory(p.GetRequiredService<FigureReader>(), p.GetRequiredService<WorkerRegistry>(), p.GetRequiredService<Guard>()));
        services.AddSingleton<TraceExport>().AddHostedService(p => p.GetRequiredService<TraceExport>());
        services.AddSingleton<TrialSender>();
        services.AddSingleton(p => new WorkerTrials(p.GetRequiredService<TrialSender>(), p.GetRequiredService<WorkerRegistry>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>()));
        return services;
    }
}
