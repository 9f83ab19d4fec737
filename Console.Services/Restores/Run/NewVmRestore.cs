using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Disks;

namespace Quarterdeck.Restores.Run;

/// <summary>Makes another VM of a point, in the host's storage pools.</summary>
internal sealed class NewVmRestore(VmPower power, PointSource source, WholeDisk disks, RollBack rollBack, Firmware firmware, TimeProvider time)
{
    /// <summary>Runs it, or goes on with it after a crash.</summary>
    public async Task<RestoreResult> RunAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation)
    {
        var beginning = await operation.StepAsync("begin", "Looking at the host", _ => Task.FromResult(new Beginning(time.GetUtcNow(), false)));
        var hypervisor = power.Host(input.HostId);
        await using var repository = await source.OpenAsync(input.RepositoryId, cancellation);
        var point = await PointSource.PointAsync(repository, input.RecoveryPointId, cancellation);
        var transfer = new Transfer();
        var paths = new Dictionary<string, string>();
        var total = point.Disks.Sum(d => d.SizeBytes);
        foreach (var disk in point.Disks)
        {
            paths[disk.Target] = await operation.StepAsync($"disk-{disk.Target}", $"Writing disk {disk.Target} of {DiskMatch.Size(disk.SizeBytes)}", async c =>
            {
                var path = await VolumeAsync(operation, hypervisor, input, disk, c);
                await DamagedPoints.NamedAsync(repository, () => disks.FillAsync(path, disk.Format, repository, disk, transfer, () => operation.Progress(transfer.Written, total, "bytes"), c), c);
                return path;
            });
        }
        var seconds = await operation.StepAsync("define", "Defining the VM", async c =>
        {
            if (await VmPower.TryAsync(() => hypervisor.DomainAsync(input.Name, c)) is { } other && other.Uuid != input.VmId)
                throw new ProblemException(Problem.Conflict("The name is taken", $"The host has a VM named '{input.Name}' already. Choose another name."));
            await operation.NoteAsync(RestoreKinds.DomainNote, input.VmId.ToString());
            var xml = DomainCopy.Other(point.DomainXml, input.Name, input.VmId, paths, await power.AccelerationAsync(input.HostId, c), File.Exists);
            await VmPower.TryAsync(() => hypervisor.DefineAsync(xml, c));
            await power.RefreshAsync(input.HostId, input.VmId, c);
            var vm = await power.LocateAsync(input.VmId, c);
            await firmware.RestoreAsync(vm, point, repository, operation, c);
            await rollBack.TrackAsync(vm, point.Id, operation, c);
            return (time.GetUtcNow() - beginning.At).TotalSeconds;
        });
        if (input.Start ?? false) await operation.StepAsync("start", "Starting the VM", async c => await power.StartAsync(await power.LocateAsync(input.VmId, c), c));
        return new RestoreResult(RestoreMode.New, input.VmId, 0, transfer.Sent, transfer.Written, transfer.Chunks, Math.Round(seconds, 3), null);
    }

    /// <summary>Removes the VM and the volumes that were made.</summary>
    public async Task UndoAsync(RestoreInput input, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        var hypervisor = power.Host(input.HostId);
        if (notes.Any(n => n.Kind == RestoreKinds.DomainNote) && await VmPower.TryAsync(() => hypervisor.DomainAsync(input.VmId, cancellation)) is { } domain)
            await VmPower.TryAsync(async () =>
            {
                if (domain.State is VmState.Running or VmState.Paused) await hypervisor.DestroyAsync(input.VmId, cancellation);
                await hypervisor.UndefineAsync(input.VmId, cancellation);
                return true;
            });
        foreach (var note in notes.Where(n => n.Kind == RestoreKinds.VolumeNote))
            if (note.Value.Split('/', 2) is [var pool, var name] && await VmPower.TryAsync(() => hypervisor.VolumeAsync(pool, name, cancellation)) is { } volume)
                await VmPower.TryAsync(() => hypervisor.DeleteVolumeAsync(volume.Path, cancellation));
        await power.RefreshAsync(input.HostId, input.VmId, cancellation);
    }

    // In the pool that has the original, if it is there, else in the default one.
    private static async Task<string> VolumeAsync(IOperationContext operation, IHypervisor hypervisor, RestoreInput input, PointDisk disk, CancellationToken cancellation) => await VmPower.TryAsync(async () =>
    {
        var original = await hypervisor.VolumeAsync(disk.Path, cancellation);
        var pool = await hypervisor.EnsurePoolAsync(original?.Pool, cancellation);
        var name = VirtualMachines.VolumeName(input.Name, input.VmId, disk.Target, disk.Format);
        await operation.NoteAsync(RestoreKinds.VolumeNote, $"{pool.Name}/{name}");
        var volume = await hypervisor.VolumeAsync(pool.Name, name, cancellation) ?? await hypervisor.CreateVolumeAsync(new NewVolume(pool.Name, name, disk.Format, disk.SizeBytes), cancellation);
        return volume.Path;
    });
}
