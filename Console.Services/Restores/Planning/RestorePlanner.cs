using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.History;
using Quarterdeck.Restores.Instant;
using Quarterdeck.Restores.Journal;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Restores.Planning;

/// <summary>A checked request, with all that planning and running need to know of it.</summary>
internal sealed record RestoreDraft(NewRestore Request, RecoveryPoint Point, LocatedVm? Vm, HostInfo Host, IHypervisor Hypervisor, string Name)
{
    /// <summary>Whether another VM is made, and the point's own is not touched.</summary>
    public bool Another { get; init; }
}

/// <summary>Says what a restore would do, without touching anything.</summary>
internal sealed class RestorePlanner(RepositoryConnections repositories, ChangeTracking tracking, RestoreHistory history)
{
    /// <summary>The plan. Unavailable while the repository or the host is away.</summary>
    public async Task<Result<RestorePlan>> PlanAsync(RestoreDraft draft, CancellationToken cancellation)
    {
        if (!(await repositories.OpenAsync(draft.Point.RepositoryId, cancellation)).TryGet(out var opened, out var away)) return away;
        await using var repository = opened;
        try
        {
            if (await repository.PointAsync(draft.Point.Id, cancellation) is not { } point) return Problem.NotFound("recovery point", draft.Point.Id);
            if (draft.Request.Mode == RestoreMode.Instant) return await AtOnceAsync(draft, repository, point, cancellation);
            return draft.Request.Mode == RestoreMode.Incremental ? await InPlaceAsync(draft, repository, point, cancellation) : await WholeAsync(draft, repository, point, cancellation);
        }
        catch (ProblemException e) { return e.Problem; }
        catch (TransientException e) { return Problem.Unavailable("The plan cannot be made now", e.Message); }
    }

    private async Task<RestorePlan> InPlaceAsync(RestoreDraft draft, Repository repository, PointManifest point, CancellationToken cancellation)
    {
        var located = draft.Vm!;
        var vm = located.Vm;
        var left = JournalFile.Find(vm.Disks.Select(d => d.Path).OfType<string>());
        var refusals = new List<string>(DiskMatch.Refusals(vm, point.Disks, left?.Disks.Select(d => d.Path).ToArray() ?? []));
        var notes = new List<string>();
        if (left is not null) notes.Add("A restore of this VM did not end: it is taken back from its common snapshot first.");
        notes.AddRange(DiskMatch.Added(vm, point.Disks).Select(d => $"Disk {d.Target} was added after the point was made: it stays as it is."));
        notes.Add("What is on the disks now is kept as a recovery point that expires by itself, so that the restore can be undone.");
        notes.Add("The VM's definition (processors, memory, devices) stays as it is now.");
        var state = left is null ? await tracking.StateAsync(located, cancellation) : new TrackingState(null, false, "A restore did not end, so nothing was tracked.", null);
        var newest = state.PointId is { } id ? await repository.PointAsync(id, cancellation) : null;
        var usable = state.Usable && newest is not null;
        var reason = usable || !state.Usable ? state.Reason : "The newest recovery point is in another repository, so everything is read and compared; only what differs is sent.";
        var disks = new List<PlannedDisk>();
        foreach (var disk in point.Disks)
        {
            var now = vm.Disks.FirstOrDefault(d => d.Target == disk.Target);
            var before = newest?.Disks.FirstOrDefault(d => d.Target == disk.Target && d.SizeBytes == disk.SizeBytes);
            var moved = before is null ? 0 : await DifferenceAsync(repository, before, disk, cancellation);
            disks.Add(new PlannedDisk(disk.Target, now?.Path, now?.Format ?? disk.Format, disk.SizeBytes, moved));
        }
        // What changed since the newest point goes back, too: as much travels down as travels up.
        var moving = Math.Min(disks.Sum(d => d.MovedBytes) + (usable ? state.ChangedBytes ?? 0 : 0), point.Disks.Sum(d => d.SizeBytes));
        if (newest is null) notes.Add("How much differs is known only when the common snapshot is taken.");
        // Holes are not read; how much the disks hold now is nearly what they held then.
        long? read = usable ? state.ChangedBytes : await HeldAsync(repository, point, cancellation);
        var running = vm.State is VmState.Running or VmState.Paused;
        return await FinishAsync(draft, point, disks, moving, read, running, draft.Request.Start ?? running, new CommonPoint(usable, newest?.Id, reason), notes, refusals, cancellation);
    }

    private async Task<RestorePlan> WholeAsync(RestoreDraft draft, Repository repository, PointManifest point, CancellationToken cancellation)
    {
        var refusals = new List<string>();
        var notes = new List<string>();
        var full = draft.Request.Mode == RestoreMode.Full;
        var places = new Dictionary<string, DiskPlace>();
        if (full)
        {
            try { places = FullPlaces.Of(draft.Vm, point); }
            catch (ProblemException e) { refusals.Add(e.Problem.Detail); }
            notes.Add(draft.Vm is null ? "The VM is gone: it is defined again as the recovery point has it." : "New disks are written beside the present ones, while the VM may run on; then it is shut down and they replace them. What is on the disks now is lost: back the VM up first if you may need it.");
            if (draft.Vm is { } there && await there.Hypervisor.SnapshotsAsync(there.Domain, cancellation) is { Count: > 0 } snapshots)
                notes.Add($"Its hypervisor snapshots ({string.Join(", ", snapshots.Select(s => s.Name))}) are in the disks that are replaced, and go with them.");
            notes.AddRange(draft.Vm is null ? [] : DiskMatch.Added(draft.Vm.Vm, point.Disks).Select(d => $"Disk {d.Target} was added after the point was made: it stays as it is."));
        }
        else notes.Add("The new VM gets a UUID and MAC addresses of its own. Its guest is a copy all the same: two guests with one host name or address may disturb each other.");
        var disks = new List<PlannedDisk>();
        foreach (var disk in point.Disks)
            disks.Add(new PlannedDisk(disk.Target, places.GetValueOrDefault(disk.Target)?.Path, places.GetValueOrDefault(disk.Target)?.Format ?? disk.Format, disk.SizeBytes, await DataAsync(repository, disk, cancellation)));
        var moving = disks.Sum(d => d.MovedBytes);
        foreach (var folder in places.Values.GroupBy(p => Path.GetDirectoryName(p.Path)!))
            if (new DriveInfo(folder.Key) is var drive && drive.AvailableFreeSpace < moving)
                refusals.Add($"'{folder.Key}' has {DiskMatch.Size(drive.AvailableFreeSpace)} free; the new disks need up to {DiskMatch.Size(moving)} beside the old ones. Free some room, or restore incrementally, which needs none.");
        var running = full && draft.Vm?.Vm.State is VmState.Running or VmState.Paused;
        return await FinishAsync(draft, point, disks, moving, 0, running, draft.Request.Start ?? running, null, notes, refusals, cancellation);
    }

    private async Task<RestorePlan> AtOnceAsync(RestoreDraft draft, Repository repository, PointManifest point, CancellationToken cancellation)
    {
        var refusals = new List<string>();
        if (!RetryShim.IsInstalled) refusals.Add("The program nbdkit is not on this machine, which keeps the VM's disks reachable while the console restarts. Install it (package nbdkit).");
        var notes = new List<string>
        {
            draft.Another ? "The new VM gets a UUID and MAC addresses of its own. Its guest is a copy all the same: two guests with one host name or address may disturb each other."
                : $"'{draft.Name}' is gone: it is defined again as the recovery point has it, with its own UUID and MAC addresses.",
            "It can be used within seconds: what its guest reads comes from the repository until it has moved, what it writes goes to the host. All data moves in the background.",
            "Until that has ended the VM needs the repository and the console: while one of them is away the guest waits, or stands still, and goes on afterwards. Nothing that it wrote is lost.",
            "Backups and snapshots of it wait until then. Cancelling removes the VM with all that was written to it.",
        };
        if (point.Disks.Any(d => d.Format != "qcow2")) notes.Add("Raw disks become qcow2 images.");
        var disks = new List<PlannedDisk>();
        foreach (var disk in point.Disks) disks.Add(new PlannedDisk(disk.Target, null, "qcow2", disk.SizeBytes, await DataAsync(repository, disk, cancellation)));
        return await FinishAsync(draft, point, disks, disks.Sum(d => d.MovedBytes), 0, false, draft.Request.Start ?? true, null, notes, refusals, cancellation);
    }

    private async Task<RestorePlan> FinishAsync(
        RestoreDraft draft, PointManifest point, IReadOnlyList<PlannedDisk> disks, long moved, long? read, bool stops, bool starts, CommonPoint? common, IReadOnlyList<string> notes, List<string> refusals, CancellationToken cancellation)
    {
        if (!draft.Hypervisor.SharesFileSystem)
            refusals.Insert(0, $"The host '{draft.Host.Name}' is another machine, whose disks the console cannot write. Run a console there, or restore as a new VM on a host of this machine.");
        if (draft.Vm is { } vm && draft.Request.Mode != RestoreMode.New && await VmPower.TryAsync(() => vm.Hypervisor.HasSavedStateAsync(vm.Domain, cancellation)))
            notes = [.. notes, "The VM's memory was saved when it was turned off. It belongs to the disks as they are now: it is thrown away, and the VM boots."];
        if (draft.Host.State == HostState.Maintenance && (starts || draft.Vm is null)) refusals.Add($"The host '{draft.Host.Name}' is in maintenance. Take it out of maintenance first.");
        var (rate, measured) = await history.RateAsync(draft.Point.RepositoryId, draft.Request.Mode, cancellation);
        var seconds = 1 + ((read ?? 0) + moved) / rate;
        return new RestorePlan(draft.Request.Mode, point.Id, point.CreatedAt, draft.Another ? null : point.VmId, draft.Name, draft.Host.Id,
            draft.Point.RepositoryId, draft.Point.RepositoryName, stops, starts, disks, moved, read, Math.Round(seconds, 1), measured, common, notes, refusals);
    }

    private static async Task<long> DifferenceAsync(Repository repository, PointDisk from, PointDisk to, CancellationToken cancellation)
    {
        long bytes = 0;
        await foreach (var difference in repository.CompareAsync(repository.OpenIndex(from.Root, from.SizeBytes), repository.OpenIndex(to.Root, to.SizeBytes), cancellation))
            bytes += repository.StoredBytesOf(difference.To);
        return bytes;
    }

    private static async Task<long> HeldAsync(Repository repository, PointManifest point, CancellationToken cancellation)
    {
        long chunks = 0;
        foreach (var disk in point.Disks)
            await foreach (var _ in repository.OpenIndex(disk.Root, disk.SizeBytes).DataAsync(cancellation)) chunks++;
        return chunks * Repository.ChunkSize;
    }

    private static async Task<long> DataAsync(Repository repository, PointDisk disk, CancellationToken cancellation)
    {
        long bytes = 0;
        await foreach (var (_, id) in repository.OpenIndex(disk.Root, disk.SizeBytes).DataAsync(cancellation)) bytes += repository.StoredBytesOf(id);
        return bytes;
    }
}
