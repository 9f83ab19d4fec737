using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Workers.Front.Assets;
using Quarterdeck.Workers.Front.Tls;
using Quarterdeck.Workers.Front.Transport;
using Quarterdeck.Workers.Front.Upstream;

namespace Quarterdeck.Workers.Front;

/// <summary>Registers the data plane.</summary>
internal static class FrontServices
{
    public static IServiceCollection AddFront(this IServiceCollection services)
    {
        services.AddSingleton<WorkerFront>();
        services.AddSingleton<CertificateStore>();
        services.AddSingleton(p => new EventStream<StoredCertificate>("zone-certificates", c => c.Hostname, async (keys, cancellation) => await p.GetRequiredService<CertificateStore>().LoadAsync(keys, cancellation), p.GetRequiredService<EventBus>()));
        services.AddSingleton(p => new EventStream<StoredChallenge>("zone-challenges", c => StoredChallenge.KeyOf(c.Hostname, c.Token), p.GetRequiredService<CertificateStore>().ChallengesAsync, p.GetRequiredService<EventBus>()));
        services.AddSingleton(p => new ZoneCertificates(
            p.GetRequiredService<CertificateStore>(), p.GetRequiredService<WorkerTable>(), p.GetRequiredService<Guard>(), p.GetRequiredService<AuditLog>(),
            p.GetRequiredService<EventStream<StoredCertificate>>(), p.GetRequiredService<EventStream<StoredChallenge>>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<CertificateTable>();
        services.AddHostedService(p => p.GetRequiredService<CertificateTable>());
        services.AddSingleton<IUpstreams>(p => p.GetRequiredService<ComputeServers>());
        services.AddSingleton(p => new AssetCache(p.GetRequiredService<WorkerCodeStore>().LoadAssetAsync)).AddSingleton<AssetResponder>();
        services.AddSingleton<IoLoops>().AddSingleton<UpstreamPools>().AddSingleton<Forwarder>().AddSingleton<FrontApplication>();
        services.AddHostedService<FrontListener>();
        return services;
    }
}
