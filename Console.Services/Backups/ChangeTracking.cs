using Quarterdeck.Hosts;

namespace Quarterdeck.Backups;

/// <summary>What the change tracking of a VM knows now.</summary>
/// <param name="PointId">The recovery point since which changes are tracked; null when none are.</param>
/// <param name="Usable">Whether the next backup can read changes only.</param>
/// <param name="Reason">Why, or why not, in words.</param>
/// <param name="ChangedBytes">Bytes changed since the point, in whole pieces of the tracking; null when it cannot be told now.</param>
public sealed record TrackingState(Guid? PointId, bool Usable, string Reason, long? ChangedBytes);

/// <summary>The dirty bitmaps that tell what changed on a VM's disks since its last recovery point.</summary>
public sealed class ChangeTracking
{
    internal ChangeTracking() { }

    /// <summary>What is tracked now.</summary>
    public Task<TrackingState> StateAsync(LocatedVm vm, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Begins tracking anew for a VM that is off and whose disks are exactly as in the point: after a restore. Raw disks have no tracking and are left out.</summary>
    /// <exception cref="Quarterdeck.Platform.ProblemException">The VM runs, or a disk takes no bitmap; the next backup then reads everything.</exception>
    public Task RestartAsync(LocatedVm vm, Guid pointId, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Ends tracking: removes the console's checkpoints and bitmaps. The next backup reads everything and sends what differs. Nothing happens when there are none.</summary>
    public Task StopAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation) => throw new NotSupportedException();
}
