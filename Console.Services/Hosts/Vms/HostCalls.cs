using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Vms;

/// <summary>Finds hypervisors for operations: a host that is away makes them wait and try again, not fail.</summary>
internal sealed class HostCalls(HostConnections connections, TimeProvider time)
{
    private static readonly TimeSpan UndoPatience = TimeSpan.FromMinutes(2), Poll = TimeSpan.FromSeconds(1);

    /// <summary>The connections.</summary>
    public HostConnections Connections => connections;

    /// <summary>The host's hypervisor.</summary>
    /// <exception cref="TransientException">The host is disconnected.</exception>
    public IHypervisor Get(Guid hostId)
    {
        if (connections.Get(hostId).TryGet(out var hypervisor, out var problem)) return hypervisor;
        throw Failure(problem);
    }

    /// <summary>The VM and its hypervisor.</summary>
    /// <exception cref="TransientException">The host is disconnected.</exception>
    public async Task<LocatedVm> LocateAsync(Guid vmId, CancellationToken cancellation)
    {
        if ((await connections.LocateAsync(vmId, cancellation)).TryGet(out var vm, out var problem)) return vm;
        throw Failure(problem);
    }

    /// <summary>Runs calls to a hypervisor; a lost connection may pass.</summary>
    public static async Task<T> TryAsync<T>(Func<Task<T>> calls)
    {
        try { return await calls(); }
        catch (HypervisorException e) when (e.Error is HypervisorError.Disconnected or HypervisorError.TimedOut) { throw new TransientException(e.Problem.Detail, e); }
    }

    /// <summary>Runs calls without a result.</summary>
    public static Task TryAsync(Func<Task> calls) => TryAsync(async () =>
    {
        await calls();
        return true;
    });

    /// <summary>Undoes on a host, waiting a while for it to come back.</summary>
    public async Task UndoAsync(Guid hostId, Func<IHypervisor, Task> calls, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            var found = connections.Get(hostId);
            if (found.Problem is { Kind: ProblemKind.NotFound }) return; // nobody's any more
            try
            {
                if (found.TryGet(out var hypervisor, out var problem))
                {
                    await calls(hypervisor);
                    return;
                }
                if (time.GetElapsedTime(begun) > UndoPatience) throw new ProblemException(problem);
            }
            catch (HypervisorException e) when (e.Error is HypervisorError.Disconnected or HypervisorError.TimedOut && time.GetElapsedTime(begun) < UndoPatience) { /* again */ }
            await Task.Delay(Poll, time, cancellation);
        }
    }

    private static Exception Failure(Problem problem) =>
        problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem);
}
