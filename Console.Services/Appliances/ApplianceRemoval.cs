using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances;

/// <summary>Removes a deployed appliance: VM, disks, environment and row. For operations of the rooms above, which have asked <c>Guard</c> already.</summary>
public sealed class ApplianceRemoval
{
    private readonly ApplianceStore _store;
    private readonly ApplianceDismantler _dismantler;

    internal ApplianceRemoval(ApplianceStore store, ApplianceDismantler dismantler) => (_store, _dismantler) = (store, dismantler);

    /// <summary>Idempotent; what is gone already does no harm.</summary>
    /// <returns>Files that stay because their host is not known any more; empty when all are gone.</returns>
    /// <exception cref="ProblemException">The host is disconnected (<see cref="ProblemKind.Unavailable"/>).</exception>
    public async Task<IReadOnlyList<string>> RemoveAsync(Guid applianceId, CancellationToken cancellation)
    {
        if (await _store.FindAsync(applianceId, cancellation) is not { } row) return [];
        IReadOnlyList<string> left = [];
        try
        {
            await _dismantler.DomainAsync(row.HostId, row.VmId, cancellation);
            foreach (var path in row.Volumes) await _dismantler.VolumeAsync(row.HostId, path, cancellation);
        }
        catch (ProblemException e) when (e.Problem is { Kind: ProblemKind.NotFound, Title: "No such host" })
        {
            left = row.Volumes;
        }
        await _store.RemoveAsync(applianceId, cancellation);
        return left;
    }

    /// <summary>The domain was moved to another host by other means: what is removed later is removed there.</summary>
    public Task MovedAsync(Guid domain, Guid hostId, CancellationToken cancellation) => _store.MovedAsync(domain, hostId, cancellation);
}
