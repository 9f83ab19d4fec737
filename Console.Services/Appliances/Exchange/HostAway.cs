using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Exchange;

/// <summary>A host that went away comes back, and just after a start of the console none is connected.</summary>
internal static class HostAway
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2), Glance = TimeSpan.FromMilliseconds(200);

    /// <summary>The host, once it is connected: an attempt of an operation shall not be lost to a restart of the console.</summary>
    /// <exception cref="ProblemException">It is not managed any more, or still away after two minutes.</exception>
    public static async Task<IHypervisor> ConnectedAsync(HostConnections hosts, Guid hostId, TimeProvider time, CancellationToken cancellation)
    {
        for (var begun = time.GetTimestamp(); ; await Task.Delay(Glance, time, cancellation))
            if (hosts.Get(hostId).TryGet(out var hypervisor, out var problem)) return hypervisor;
            else if (problem.Kind is not ProblemKind.Unavailable || time.GetElapsedTime(begun) > Patience) throw new ProblemException(problem);
    }

    /// <summary>What was done on a host that went away meanwhile is tried again later.</summary>
    /// <exception cref="TransientException">The host is away.</exception>
    public static async Task TriedAgainAsync(Func<Task> work)
    {
        try { await work(); }
        catch (ProblemException e) when (e.Problem.Kind is ProblemKind.Unavailable) { throw new TransientException(e.Problem.Detail, e); }
    }
}
