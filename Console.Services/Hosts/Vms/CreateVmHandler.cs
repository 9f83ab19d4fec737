using System.Globalization;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts.Vms;

/// <summary>Creates a VM: volumes, definition, start. Each thing is noted before it is made and removed again when the whole fails.</summary>
internal sealed class CreateVmHandler(HostCalls hosts, TagIndex tags) : IOperationHandler
{
    private const string VolumeNote = "volume", DomainNote = "domain";

    /// <inheritdoc/>
    public OperationKind Kind => VmKinds.Create;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var spec = operation.Input<VmSpec>();
        var hypervisor = hosts.Get(spec.HostId);
        var paths = new Dictionary<string, string>();
        var made = 0;
        foreach (var disk in spec.Disks)
        {
            paths[disk.Target] = disk.Path ?? await operation.StepAsync($"disk-{disk.Target}", $"Creating disk {disk.Target} of {Size(disk.SizeBytes)}", c => VolumeAsync(operation, hypervisor, disk, c));
            operation.Progress(++made, spec.Disks.Count, "disks");
        }
        await operation.StepAsync("define", "Defining the VM", async c =>
        {
            var acceleration = await hosts.Connections.AccelerationAsync(spec.HostId, c);
            await operation.NoteAsync(DomainNote, spec.VmId.ToString());
            await HostCalls.TryAsync(async () =>
            {
                await CheckNameAsync(hypervisor, spec, c);
                await hypervisor.DefineAsync(DomainTemplate.Build(spec, acceleration, paths), c);
                if (spec.Autostart) await hypervisor.SetAutostartAsync(spec.VmId, true, c);
            });
            if (spec.Tags.Count > 0) await tags.SetAsync(VmStore.Kind, spec.VmId.ToString(), spec.Tags, c);
            await HostCalls.TryAsync(() => hosts.Connections.RefreshAsync(spec.HostId, spec.VmId, c));
            operation.Log(acceleration == Acceleration.Kvm ? "Its processors run on KVM." : "Its processors are emulated by QEMU, because KVM does not work on this host.");
        });
        if (spec.Start)
            await operation.StepAsync("start", "Starting the VM", c => HostCalls.TryAsync(async () =>
            {
                await PowerHandler.StartIfNeededAsync(hypervisor, spec.VmId, c);
                await hosts.Connections.RefreshAsync(spec.HostId, spec.VmId, c);
            }));
        return new { vmId = spec.VmId };
    }

    /// <inheritdoc/>
    public async Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        var spec = operation.Input<VmSpec>();
        await hosts.UndoAsync(spec.HostId, async hypervisor =>
        {
            foreach (var note in notes)
                if (note.Kind == DomainNote) await RemoveDomainAsync(hypervisor, Guid.Parse(note.Value, CultureInfo.InvariantCulture), cancellation);
                else if (note.Kind == VolumeNote && note.Value.Split('/', 2) is [var pool, var name] && await hypervisor.VolumeAsync(pool, name, cancellation) is { } volume)
                {
                    await hypervisor.DeleteVolumeAsync(volume.Path, cancellation);
                    operation.Log($"Removed {volume.Path}.");
                }
            await hosts.Connections.RefreshAsync(spec.HostId, spec.VmId, cancellation);
        }, cancellation);
        await tags.SetAsync(VmStore.Kind, spec.VmId.ToString(), [], cancellation);
    }

    private static async Task<string> VolumeAsync(IOperationContext operation, IHypervisor hypervisor, DiskSpec disk, CancellationToken cancellation)
    {
        var pool = await HostCalls.TryAsync(() => hypervisor.EnsurePoolAsync(disk.Pool, cancellation));
        if (disk.SizeBytes > pool.AvailableBytes && !hypervisor.IsMock)
            operation.Log($"Disk {disk.Target} of {Size(disk.SizeBytes)} is larger than the {Size(pool.AvailableBytes)} free in pool '{pool.Name}'. It is sparse: the VM will pause when the pool is full.");
        await operation.NoteAsync(VolumeNote, $"{pool.Name}/{disk.Volume}");
        return await HostCalls.TryAsync(async () =>
        {
            // The name holds the VM's id: a volume that is there was made by an attempt before, and may be half done.
            if (await hypervisor.VolumeAsync(pool.Name, disk.Volume!, cancellation) is { } before) await hypervisor.DeleteVolumeAsync(before.Path, cancellation);
            return (await hypervisor.CreateVolumeAsync(new NewVolume(pool.Name, disk.Volume!, disk.Format, disk.SizeBytes), cancellation)).Path;
        });
    }

    // libvirt would replace nothing, but say so in its own words, and only after the volumes were made.
    private static async Task CheckNameAsync(IHypervisor hypervisor, VmSpec spec, CancellationToken cancellation)
    {
        if (await hypervisor.DomainAsync(spec.Name, cancellation) is { } other && other.Uuid != spec.VmId)
            throw new ProblemException(Problem.Conflict("The name is taken", $"The host has a VM named '{spec.Name}' already. Choose another name."));
    }

    private static async Task RemoveDomainAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        if (await hypervisor.DomainAsync(domain, cancellation) is not { } found) return;
        if (found.State is VmState.Running or VmState.Paused) await hypervisor.DestroyAsync(domain, cancellation);
        if (found.Persistent) await hypervisor.UndefineAsync(domain, cancellation);
    }

    private static string Size(long bytes) => bytes >= 1L << 30 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.##} GiB") : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.##} MiB");
}
