using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Run;

/// <summary>Makes all disks of a point anew over the same VM: new files beside the old ones first, which replace them when all are whole.</summary>
internal sealed class FullRestore(
    VmPower power, PointSource source, ChangeTracking tracking, WholeDisk disks, RollBack rollBack, Firmware firmware, DomainBack domains, TimeProvider time)
{
    private const string Fresh = ".restored", Aside = ".replaced";

    /// <summary>Runs it, or goes on with it after a crash.</summary>
    public async Task<RestoreResult> RunAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation)
    {
        await using var repository = await source.OpenAsync(input.RepositoryId, cancellation);
        var point = await PointSource.PointAsync(repository, input.RecoveryPointId, cancellation);
        var beginning = await operation.StepAsync("begin", "Looking at the VM", async c =>
        {
            var running = await domains.FindAsync(input, c) is { } found && await power.StateAsync(found, c) is VmState.Running or VmState.Paused;
            if (running) await operation.NoteAsync(RestoreKinds.PowerNote, input.VmId.ToString());
            return new Beginning(time.GetUtcNow(), running);
        });
        var places = await operation.StepAsync("places", "Choosing the disks' places", async c => FullPlaces.Of(await domains.FindAsync(input, c), point));
        var transfer = new Transfer();
        var total = point.Disks.Sum(d => d.SizeBytes);
        foreach (var disk in point.Disks)
            await operation.StepAsync($"disk-{disk.Target}", $"Writing disk {disk.Target} of {DiskMatch.Size(disk.SizeBytes)}", async c =>
            {
                var fresh = places[disk.Target].Path + Fresh;
                await operation.NoteAsync(RestoreKinds.FileNote, fresh);
                await DamagedPoints.NamedAsync(repository, () => disks.FillAsync(fresh, places[disk.Target].Format, repository, disk, transfer, () => operation.Progress(transfer.Written, total, "bytes"), c), c);
            });
        await operation.StepAsync("off", "Shutting the VM down", async c =>
        {
            if (await domains.FindAsync(input, c) is not { } vm) return;
            await power.ShutOffAsync(vm, TimeSpan.FromSeconds(input.ShutdownSeconds), operation, c);
            await tracking.StopAsync(vm.Hypervisor, vm.Domain, c);
        });
        await operation.StepAsync("swap", "Putting the new disks in place", async c =>
        {
            if (await domains.FindAsync(input, c) is { } vm)
            {
                if (await power.StateAsync(vm, c) is VmState.Running or VmState.Paused)
                    throw new ProblemException(Problem.Conflict("The VM was started", $"'{input.Name}' was started by someone else while it was to be restored. Its disks are as they were. Try again."));
                await power.DropSavedStateAsync(vm, operation, c);
            }
            foreach (var place in places.Values) await operation.NoteAsync(RestoreKinds.AsideNote, place.Path);
            Swap([.. places.Values.Select(p => p.Path)]);
        });
        var seconds = await operation.StepAsync("define", "Defining the VM", async _ =>
        {
            var vm = await domains.EnsureAsync(input, point, places.ToDictionary(p => p.Key, p => p.Value.Path), operation, CancellationToken.None);
            await firmware.RestoreAsync(vm, point, repository, operation, CancellationToken.None);
            await DropSnapshotsAsync(vm, operation);
            await rollBack.TrackAsync(vm, point.Id, operation, CancellationToken.None);
            // From here on there is no way back: one old disk gone and another one brought back would be a mix.
            await operation.NoteAsync(RestoreKinds.WholeNote, input.VmId.ToString());
            foreach (var place in places.Values) Durable.Delete(place.Path + Aside);
            Forget(places.Values);
            return (time.GetUtcNow() - beginning.At).TotalSeconds;
        });
        if (input.Start ?? beginning.WasRunning) await StartAsync(input, operation);
        var written = point.Disks.Sum(d => d.SizeBytes);
        return new RestoreResult(RestoreMode.Full, input.VmId, 0, transfer.Sent, Math.Min(transfer.Written, written), transfer.Chunks, Math.Round(seconds, 3), null);
    }

    // The VM is whole whether or not it starts.
    private async Task StartAsync(RestoreInput input, IOperationContext operation)
    {
        try { await operation.StepAsync("start", "Starting the VM", async c => await power.StartAsync(await power.LocateAsync(input.VmId, c), c)); }
        catch (HypervisorException e) { operation.Warn($"The VM is restored, but did not start. {e.Problem.Detail}"); }
    }

    // They were in the disks that are gone: libvirt would offer to revert to what is not there.
    private static async Task DropSnapshotsAsync(LocatedVm vm, IOperationContext operation)
    {
        foreach (var snapshot in await VmPower.TryAsync(() => vm.Hypervisor.SnapshotsAsync(vm.Domain, CancellationToken.None)))
        {
            await VmPower.TryAsync(async () => { await vm.Hypervisor.ForgetSnapshotAsync(vm.Domain, snapshot.Name, CancellationToken.None); return true; });
            operation.Log($"The snapshot '{snapshot.Name}' went with the disks that were replaced.");
        }
    }

    /// <summary>Takes a swap back that broke off, and removes new files that never came into place.</summary>
    public static void Undo(IReadOnlyList<Note> notes)
    {
        var old = notes.Where(n => n.Kind == RestoreKinds.AsideNote).Select(n => n.Value).Where(p => File.Exists(p + Aside)).Distinct().ToList();
        if (notes.Any(n => n.Kind == RestoreKinds.WholeNote)) foreach (var path in old) Durable.Delete(path + Aside);
        else
        {
            // First every new disk goes, so that no VM starts with some old and some new ones.
            foreach (var path in old) Durable.Delete(path);
            foreach (var path in old) Durable.Rename(path + Aside, path);
        }
        foreach (var fresh in notes.Where(n => n.Kind == RestoreKinds.FileNote).Select(n => n.Value)) Durable.Delete(fresh);
    }

    // What an unfinished restore in place left is of no use any more: all disks are new.
    private static void Forget(IEnumerable<DiskPlace> places)
    {
        foreach (var place in places) Durable.Delete(place.Path + JournalDisk.Suffix);
        if (JournalFile.Find(places.Select(p => p.Path)) is { } left) JournalFile.Remove(left);
    }

    // First every old disk loses its name, so that no VM starts with some old and some new ones; then every new one gets it.
    private static void Swap(IReadOnlyList<string> paths)
    {
        foreach (var path in paths.Where(p => File.Exists(p) && File.Exists(p + Fresh))) Durable.Replace(path, path + Aside);
        foreach (var path in paths.Where(p => File.Exists(p + Fresh))) Durable.Rename(path + Fresh, path);
    }
}

/// <summary>Where a full restore puts a disk.</summary>
internal sealed record DiskPlace(string Path, string Format);

/// <summary>Chooses the places of a full restore.</summary>
internal static class FullPlaces
{
    /// <summary>Each disk's file: the one that the VM has for that target now, else the one that it had then.</summary>
    /// <exception cref="ProblemException">A place is no file, or taken by something that is not this VM's.</exception>
    public static Dictionary<string, DiskPlace> Of(LocatedVm? vm, PointManifest point)
    {
        var places = new Dictionary<string, DiskPlace>();
        foreach (var disk in point.Disks)
        {
            var now = vm?.Vm.Disks.FirstOrDefault(d => d.Target == disk.Target && d.Device == "disk" && d.Path is not null);
            var path = now?.Path ?? disk.Path;
            if (!Path.IsPathRooted(path) || path.StartsWith("/dev/", StringComparison.Ordinal)) throw new ProblemException(Problem.Conflict("A disk is not a file", $"Disk {disk.Target} is '{path}'; only files are restored over. Choose a new VM."));
            if (now is null && File.Exists(path)) throw new ProblemException(Problem.Conflict("A disk's place is taken", $"There is a file '{path}', which is no disk of this VM now. Move it away, or restore as a new VM."));
            if (!Directory.Exists(Path.GetDirectoryName(path))) throw new ProblemException(Problem.Conflict("A folder is missing", $"There is no folder '{Path.GetDirectoryName(path)}' for disk {disk.Target}. Make it, or restore as a new VM."));
            places[disk.Target] = new DiskPlace(path, now?.Format ?? disk.Format);
        }
        return places;
    }
}
