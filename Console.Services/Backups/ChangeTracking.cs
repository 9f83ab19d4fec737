using Quarterdeck.Backups.Capture;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups;

/// <summary>What the change tracking of a VM knows now.</summary>
/// <param name="PointId">The recovery point since which changes are tracked; null when none are.</param>
/// <param name="Usable">Whether the next backup can read changes only, of those disks that can be tracked.</param>
/// <param name="Reason">Why, or why not, in words.</param>
/// <param name="ChangedBytes">Bytes changed since the point, in whole pieces of the tracking; null when it cannot be told now, as while the VM is off.</param>
public sealed record TrackingState(Guid? PointId, bool Usable, string Reason, long? ChangedBytes);

/// <summary>The dirty bitmaps that tell what changed on a VM's disks since its last recovery point.</summary>
public sealed class ChangeTracking
{
    private readonly ImageTool _images;
    private readonly Checkpoints _checkpoints;

    internal ChangeTracking(ImageTool images, Checkpoints checkpoints) => (_images, _checkpoints) = (images, checkpoints);

    /// <summary>What is tracked now.</summary>
    public async Task<TrackingState> StateAsync(LocatedVm vm, CancellationToken cancellation)
    {
        if (!vm.Hypervisor.SharesFileSystem) return new(null, false, "VMs of that host are not tracked.", null);
        var runs = await Checkpoints.RunsAsync(vm.Hypervisor, vm.Domain, cancellation);
        var disks = DomainDisks.Read(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: !runs)).Disks.Where(d => d is { Tracks: true, Path: not null }).ToList();
        if (disks.Count == 0) return new(null, false, "None of its disks can be tracked: only qcow2 images can.", null);
        var bitmaps = runs ? await LiveAsync(vm, disks, cancellation) : await StillAsync(disks, cancellation);
        if (bitmaps.SelectMany(b => b).Select(b => CheckpointName.PointOf(b.Name)).OfType<Guid>().Distinct().OrderDescending().Cast<Guid?>().FirstOrDefault() is not { } point)
            return new(null, false, "Nothing tracks its changes yet.", null);
        var mine = bitmaps.Select(of => of.FirstOrDefault(b => b.Name == CheckpointName.Of(point))).ToList();
        if (mine.Any(b => b is null)) return new(point, false, "A disk has no dirty bitmap; it will be read whole.", null);
        if (mine.Any(b => !b!.Usable)) return new(point, false, "A dirty bitmap is inconsistent, as after a crash of QEMU or of the host; its disk will be read whole.", null);
        return new(point, true, "Changes are tracked.", mine.Any(b => b!.ChangedBytes is null) ? null : mine.Sum(b => b!.ChangedBytes));
    }

    /// <summary>Begins tracking anew for a VM that is off and whose disks are exactly as in the point: after a restore. Raw disks have no tracking and are left out.</summary>
    /// <exception cref="ProblemException">The VM runs, or a disk takes no bitmap; the next backup then reads everything.</exception>
    public async Task RestartAsync(LocatedVm vm, Guid pointId, CancellationToken cancellation)
    {
        if (await Checkpoints.RunsAsync(vm.Hypervisor, vm.Domain, cancellation))
            throw new ProblemException(Problem.Conflict("The VM runs", $"'{vm.Vm.Name}' must be off for its change tracking to start from a recovery point."));
        var all = DomainDisks.Read(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: true)).Disks;
        var tracked = new List<DomainDisk>();
        foreach (var disk in all.Where(d => d is { Tracks: true, Path: not null }))
            if (!(await _images.ChainAsync(disk.Path!, disk.Format, cancellation))[0].IsOld) tracked.Add(disk);
        await _checkpoints.RemoveAllAsync(vm.Hypervisor, vm.Domain, keep: null, cancellation);
        if (tracked.Count == 0) return;
        var name = CheckpointName.Of(pointId);
        foreach (var disk in tracked) await _images.AddBitmapAsync(disk.Path!, name, cancellation);
        await Checkpoints.DefineAsync(vm.Hypervisor, vm.Domain, name, all, tracked.Contains, cancellation);
    }

    /// <summary>Ends tracking: removes the console's checkpoints and bitmaps. The next backup reads everything and sends what differs. Nothing happens when there are none.</summary>
    public async Task StopAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        if (hypervisor.SharesFileSystem) await _checkpoints.RemoveAllAsync(hypervisor, domain, keep: null, cancellation);
    }

    private static async Task<List<IReadOnlyList<Bitmap>>> LiveAsync(LocatedVm vm, IReadOnlyList<DomainDisk> disks, CancellationToken cancellation)
    {
        var nodes = await LiveBitmaps.ReadAsync(vm.Hypervisor, vm.Domain, cancellation);
        return [.. disks.Select(d => nodes.GetValueOrDefault(d.Node ?? "") ?? LiveNode.None).Where(n => !n.IsOld).Select(n => n.Bitmaps)];
    }

    private async Task<List<IReadOnlyList<Bitmap>>> StillAsync(IReadOnlyList<DomainDisk> disks, CancellationToken cancellation)
    {
        var bitmaps = new List<IReadOnlyList<Bitmap>>();
        foreach (var disk in disks)
            if ((await _images.ChainAsync(disk.Path!, disk.Format, cancellation))[0] is { IsOld: false } top) bitmaps.Add(top.Bitmaps);
        return bitmaps;
    }
}

/// <summary>Removes checkpoints before a VM's disks change in a way that they do not follow; the next backup heals.</summary>
/// <remarks>With them present QEMU dies of a revert, or refuses it, and libvirt makes no snapshot of a VM that is off.</remarks>
internal sealed class StopTrackingBeforeChange(ChangeTracking tracking) : IBeforeVmChange
{
    /// <inheritdoc/>
    public Task PrepareAsync(VmChangeKind change, Guid vmId, IHypervisor hypervisor, Guid domain, CancellationToken cancellation) =>
        change is VmChangeKind.Revert or VmChangeKind.Snapshot ? tracking.StopAsync(hypervisor, domain, cancellation) : Task.CompletedTask;
}
