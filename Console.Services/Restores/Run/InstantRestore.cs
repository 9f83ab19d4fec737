using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Exports;
using Quarterdeck.Restores.Instant;

namespace Quarterdeck.Restores.Run;

/// <summary>Starts a VM right out of the repository, and moves its data while it runs.</summary>
internal sealed class InstantRestore(
    VmPower power, PointSource source, RecoveryPoints points, PointExports exports, ExportSockets sockets, RetryShim shim, StillPull still, InstantPull pull, RollBack rollBack, Firmware firmware, DomainBack domains, OperationReader operations, TimeProvider time)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(3);

    /// <summary>Runs it, or goes on with it after a crash.</summary>
    public async Task<RestoreResult> RunAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation)
    {
        var beginning = await operation.StepAsync("begin", "Looking at the host", _ => Task.FromResult(new Beginning(time.GetUtcNow(), false)));
        var point = await PointAsync(operation, input, cancellation);
        var open = new List<PointExport>();
        var fresh = new List<bool>();
        try
        {
            // The sockets come first, in every attempt: a VM that runs already waits for them.
            var used = await IsRunningAsync(operation, input, cancellation);
            foreach (var disk in point.Disks) fresh.Add(await ServeAsync(operation, input, disk, open, cancellation));
            var places = await operation.StepAsync("places", "Choosing the disks' places", c => PlacesAsync(input, point, c));
            var made = await operation.StepAsync("make", "Making the VM", c => MakeAsync(operation, input, point, open, places, c));
            var seconds = await operation.StepAsync("start", input.Start is false ? "Leaving the VM off" : "Starting the VM", async c =>
            {
                if (input.Start is not false) await power.StartAsync(await power.LocateAsync(input.VmId, c), c);
                return (time.GetUtcNow() - beginning.At).TotalSeconds;
            });
            operation.Log(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The VM can be used: {seconds:0.0} s after the beginning. Its data moves in the background; until that has ended it needs the repository."));
            if (operation.Attempt > 1 && !used && fresh.TrueForAll(f => f)) await operation.StepAsync($"back-{operation.Attempt}", "Looking at the VM", c => AfterRestartAsync(operation, input, c));
            await operation.StepAsync("pull", "Moving the data while the VM is used", c => pull.RunAsync(operation, input.VmId, made, open, [.. fresh.Select(f => f && used)], input.Start is not false, c));
            await operation.StepAsync("alone", "Cutting the VM loose from the repository", async c =>
            {
                foreach (var disk in made.Disks) await shim.EndAsync(disk.Socket);
                await power.RefreshAsync(input.HostId, made.Domain, c);
            });
            return new RestoreResult(RestoreMode.Instant, input.VmId, 0, open.Sum(e => e.SentBytes), point.Disks.Sum(d => d.SizeBytes), open.Sum(e => e.Chunks), Math.Round(seconds, 3), null);
        }
        finally
        {
            foreach (var export in open) await export.DisposeAsync();
        }
    }

    /// <summary>Removes what was made, unless its guest may have written something that nobody gave up.</summary>
    public async Task UndoAsync(IOperationContext operation, RestoreInput input, IReadOnlyList<Note> notes, Func<Task> remove, CancellationToken cancellation)
    {
        var given = (await operations.GetAsync(Caller.System, operation.Id, cancellation)).TryGet(out var info, out _) && info.CancelRequested;
        if (!given && notes.Any(n => n.Kind == RestoreKinds.UsedNote))
        {
            operation.Log("The VM stays, with what its guest has written; it still needs the repository. Retry goes on where it stopped.");
            await KeepPointAsync(operation, input, cancellation);
            return;
        }
        await remove();
        foreach (var socket in notes.Where(n => n.Kind == RestoreKinds.SocketNote).Select(n => n.Value)) await shim.EndAsync(socket);
    }

    // Its locks end with it, and the VM would be lost with the point.
    private async Task KeepPointAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation)
    {
        if (await points.FindAsync(input.RecoveryPointId, cancellation, input.RepositoryId) is not { Pinned: false }) return;
        var pinned = await points.PinAsync(Caller.System, input.RecoveryPointId, true, cancellation, input.RepositoryId);
        operation.Log(pinned.Problem is { } problem ? $"The recovery point could not be pinned: {problem.Detail} See that nothing removes it." : "The recovery point is pinned, for the VM needs it. Unpin it when all data has moved.");
    }

    // QEMU and what stood between were both gone, as after a restart of the host. One that starts with its host could not read its disks then: that is seen as a crash, and it is started again.
    private async Task AfterRestartAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation)
    {
        var vm = await PatientlyAsync(operation, () => power.LocateAsync(input.VmId, cancellation), cancellation);
        if (input.Start is false || await power.StateAsync(vm, cancellation) is not VmState.Off) return;
        operation.Warn("The host was restarted, or all that served the VM's disks was ended. They are as after a power cut: what the guest had flushed is there. The VM is off, and its data moves meanwhile; start it when you like.");
    }

    private Task<PointManifest> PointAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation) => PatientlyAsync(operation, async () =>
    {
        await using var repository = await source.OpenAsync(input.RepositoryId, cancellation);
        return await PointSource.PointAsync(repository, input.RecoveryPointId, cancellation);
    }, cancellation);

    private async Task<bool> ServeAsync(IOperationContext operation, RestoreInput input, PointDisk disk, List<PointExport> open, CancellationToken cancellation)
    {
        var socket = sockets.Of(input.VmId, disk.Target);
        await operation.NoteAsync(RestoreKinds.SocketNote, socket);
        var export = await PatientlyAsync(operation, async () =>
            (await exports.OpenAtAsync(input.RepositoryId, input.RecoveryPointId, disk.Target, ExportSockets.Behind(socket), cancellation)).TryGet(out var opened, out var problem) ? opened
                : throw (problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem)), cancellation);
        open.Add(export);
        return await shim.EnsureAsync(socket, export.SocketPath, cancellation);
    }

    private Task<bool> IsRunningAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation) => PatientlyAsync(operation, async () =>
        await domains.FindAsync(input, cancellation) is { } vm && await power.StateAsync(vm, cancellation) is VmState.Running or VmState.Paused, cancellation);

    // Once there may be a guest that waits for its disk, this waits for repository and host: giving up would help nobody. Before, it ends as every operation does.
    private async Task<T> PatientlyAsync<T>(IOperationContext operation, Func<Task<T>> work, CancellationToken cancellation)
    {
        for (var told = false; ; await Task.Delay(AskAgain, time, cancellation))
        {
            try { return await work(); }
            catch (TransientException e) when (operation.Attempt > 1)
            {
                if (!told) operation.Log($"The VM waits: {e.Message}");
                told = true;
            }
        }
    }

    private async Task<InstantVm> MakeAsync(IOperationContext operation, RestoreInput input, PointManifest point, IReadOnlyList<PointExport> open, IReadOnlyDictionary<string, OverlayPlace> places, CancellationToken cancellation)
    {
        var hypervisor = power.Host(input.HostId);
        // After a retry the VM may be there, and its guest have written: then nothing is made again.
        var found = await domains.FindAsync(input, cancellation);
        var made = found is null ? await DefineAsync(operation, hypervisor, input, point, open, places, cancellation)
            : new InstantVm(found.Domain, [.. point.Disks.Select(d => new InstantDisk(d.Target, found.Vm.Disks.First(v => v.Target == d.Target).Path!, d.SizeBytes, sockets.Of(input.VmId, d.Target)))]);
        if (found is not null) await NoteAgainAsync(operation, hypervisor, input, made, cancellation);
        if (found is null || await IsHalfMadeAsync(found, made, cancellation))
        {
            var vm = await power.LocateAsync(input.VmId, cancellation);
            await using (var repository = await source.OpenAsync(input.RepositoryId, cancellation)) await firmware.RestoreAsync(vm, point, repository, operation, cancellation);
            // Changes are tracked from the point on, so that the next backup reads only what the guest writes; moving data is no change.
            await rollBack.TrackAsync(vm, point.Id, operation, cancellation);
            foreach (var disk in made.Disks) await still.MarkAsync(disk, cancellation);
        }
        await operation.NoteAsync(RestoreKinds.UsedNote, input.VmId.ToString());
        return made;
    }

    private async Task<InstantVm> DefineAsync(IOperationContext operation, IHypervisor hypervisor, RestoreInput input, PointManifest point, IReadOnlyList<PointExport> open, IReadOnlyDictionary<string, OverlayPlace> places, CancellationToken cancellation)
    {
        var disks = new List<InstantDisk>();
        foreach (var (disk, export) in point.Disks.Zip(open))
            disks.Add(new InstantDisk(disk.Target, await OverlayAsync(operation, hypervisor, places[disk.Target], disk.SizeBytes, cancellation), export.SizeBytes, sockets.Of(input.VmId, disk.Target)));
        if (await VmPower.TryAsync(() => hypervisor.DomainAsync(input.Name, cancellation)) is not null)
            throw new ProblemException(Problem.Conflict("The name is taken", $"The host has a VM named '{input.Name}' already. Choose another name."));
        var paths = disks.ToDictionary(d => d.Target, d => d.Overlay);
        var acceleration = await power.AccelerationAsync(input.HostId, cancellation);
        var alone = input.Again ? DomainCopy.Same(point.DomainXml, input.Name, paths, acceleration) : DomainCopy.Other(point.DomainXml, input.Name, input.VmId, paths, acceleration, File.Exists);
        await operation.NoteAsync(RestoreKinds.DomainNote, input.VmId.ToString());
        var domain = await VmPower.TryAsync(() => hypervisor.DefineAsync(InstantDefinition.Over(alone, disks), cancellation));
        await power.RefreshAsync(input.HostId, domain, cancellation);
        return new InstantVm(domain, disks);
    }

    // A retry forgot the notes, and a cancellation removes what they name.
    private static async Task NoteAgainAsync(IOperationContext operation, IHypervisor hypervisor, RestoreInput input, InstantVm made, CancellationToken cancellation)
    {
        foreach (var disk in made.Disks)
            if (await VmPower.TryAsync(() => hypervisor.VolumeAsync(disk.Overlay, cancellation)) is { } volume) await operation.NoteAsync(RestoreKinds.VolumeNote, $"{volume.Pool}/{volume.Name}");
        await operation.NoteAsync(RestoreKinds.DomainNote, input.VmId.ToString());
    }

    // The console was killed between the definition and the mark, which comes last: nothing was started yet.
    private async Task<bool> IsHalfMadeAsync(LocatedVm vm, InstantVm made, CancellationToken cancellation)
    {
        if (await power.StateAsync(vm, cancellation) is VmState.Running or VmState.Paused || (await VmPower.TryAsync(() => vm.Hypervisor.CheckpointsAsync(vm.Domain, cancellation))).Count > 0) return false;
        foreach (var disk in made.Disks)
            if (await still.IsMarkedAsync(disk, cancellation)) return false;
        return true;
    }

    // Always qcow2, because a raw image cannot stand on another. The VM itself gets its disks where they were, if that is free: then its next backup knows them.
    private Task<Dictionary<string, OverlayPlace>> PlacesAsync(RestoreInput input, PointManifest point, CancellationToken cancellation) => VmPower.TryAsync(async () =>
    {
        var hypervisor = power.Host(input.HostId);
        var places = new Dictionary<string, OverlayPlace>();
        foreach (var disk in point.Disks)
        {
            var own = input.Again && disk.Format == "qcow2" ? (await hypervisor.PoolsAsync(cancellation)).FirstOrDefault(p => p.Path == Path.GetDirectoryName(disk.Path))?.Name : null;
            if (own is not null && !File.Exists(disk.Path) && await hypervisor.VolumeAsync(own, Path.GetFileName(disk.Path), cancellation) is null)
                places[disk.Target] = new OverlayPlace((await hypervisor.EnsurePoolAsync(own, cancellation)).Name, Path.GetFileName(disk.Path));
            else
                places[disk.Target] = new OverlayPlace((await hypervisor.EnsurePoolAsync((await hypervisor.VolumeAsync(disk.Path, cancellation))?.Pool, cancellation)).Name, VirtualMachines.VolumeName(input.Name, input.VmId, disk.Target, "qcow2"));
        }
        return places;
    });

    private static Task<string> OverlayAsync(IOperationContext operation, IHypervisor hypervisor, OverlayPlace place, long size, CancellationToken cancellation) => VmPower.TryAsync(async () =>
    {
        await operation.NoteAsync(RestoreKinds.VolumeNote, $"{place.Pool}/{place.Name}");
        // One that is there was made by an attempt that did not get as far as the VM: nothing has written to it, but it may be half made.
        if (await hypervisor.VolumeAsync(place.Pool, place.Name, cancellation) is { } left) await hypervisor.DeleteVolumeAsync(left.Path, cancellation);
        return (await hypervisor.CreateVolumeAsync(new NewVolume(place.Pool, place.Name, "qcow2", size), cancellation)).Path;
    });
}

/// <summary>Where an overlay is made.</summary>
internal sealed record OverlayPlace(string Pool, string Name);
