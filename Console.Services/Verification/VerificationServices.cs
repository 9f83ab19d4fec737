using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Restores;
using Quarterdeck.Schedules;
using Quarterdeck.Verification.Store;
using Quarterdeck.Verification.Trial;

namespace Quarterdeck.Verification;

/// <summary>Registration of the room.</summary>
public static class VerificationServices
{
    /// <summary>Adds proofs by restore. Needs Restores, Backups, Hosts, Schedules and Operations.</summary>
    public static IServiceCollection AddVerification(this IServiceCollection services)
    {
        services.AddPermissions(typeof(VerificationPermissions));
        services.AddSingleton<ProofStore>().AddSingleton<FileDigests>();
        services.AddSingleton(p => new EventStream<Proof>("proofs", proof => proof.Id.ToString(), p.GetRequiredService<ProofStore>().LoadAsync, p.GetRequiredService<EventBus>()));
        services.AddSingleton<JobPoints>();
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(p => new Proofs(
            p.GetRequiredService<ProofStore>(), p.GetRequiredService<RecoveryPoints>(), p.GetRequiredService<JobPoints>(), p.GetRequiredService<HostConnections>(), p.GetRequiredService<HostRegistry>(),
            p.GetRequiredService<OperationQueue>(), p.GetRequiredService<Guard>()));
        services.AddSingleton<Func<Proofs>>(p => p.GetRequiredService<Proofs>); // the queue knows the handlers before it is there itself
        services.AddSingleton<IScheduledAction, ScheduledProof>().AddSingleton<IScheduledAction, ScheduledJobProof>();
        services.AddOperationHandler<ProveHandler>().AddOperationHandler<ProveJobHandler>();
        return services;
    }
}
