using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Run;

/// <summary>Takes the common snapshot: the VM's present disks as an expiring recovery point, from which only what changed since the newest point travels.</summary>
internal sealed class CommonTaker(PointTaker taker, ChangeTracking tracking, IOptions<RestoresOptions> options, TimeProvider time)
{
    /// <summary>Takes it of a VM that is off, and pairs its disks with the point's; those that are equal already are left out.</summary>
    /// <exception cref="ProblemException">It cannot be taken, the disks do not fit the point, or VM and repository do not agree on it.</exception>
    public async Task<CommonSnapshot> TakeAsync(LocatedVm vm, Guid repositoryId, Repository repository, PointManifest point, IOperationContext operation, CancellationToken cancellation)
    {
        if (DiskMatch.Refusals(vm.Vm, point.Disks, []) is { Count: > 0 } refusals) throw new ProblemException(Problem.Conflict("The disks do not fit the recovery point", string.Join(" ", refusals)));
        foreach (var added in DiskMatch.Added(vm.Vm, point.Disks)) operation.Log($"Disk {added.Target} was added after the point was made: it stays as it is.");
        var taken = await PointSource.TryAsync(() => taker.TakeAsync(vm, repositoryId, repository, new TakeOptions(TakeKind.Common) { ExpiresAt = time.GetUtcNow().AddDays(options.Value.CommonPointDays), Freeze = false }, operation, cancellation));
        await AgreeAsync(taken, repository, cancellation);
        // From here on the disks change without the guest: what was tracked would be wrong for the next backup.
        await tracking.StopAsync(vm.Hypervisor, vm.Domain, cancellation);
        var pairs = new List<JournalDisk>();
        foreach (var disk in point.Disks)
        {
            var now = taken.Disks.FirstOrDefault(d => d.Target == disk.Target) ?? throw new ProblemException(Problem.Conflict("The disks do not fit the recovery point", $"Disk {disk.Target} is not in the common snapshot. Choose a full restore, or a new VM."));
            if (now.SizeBytes != disk.SizeBytes)
                throw new ProblemException(Problem.Conflict("The disks do not fit the recovery point", $"Disk {disk.Target} has {DiskMatch.Size(now.SizeBytes)} now and had {DiskMatch.Size(disk.SizeBytes)} then. Choose a full restore, or a new VM."));
            if (now.Root == disk.Root) continue;
            var file = vm.Vm.Disks.First(d => d.Target == disk.Target);
            pairs.Add(new JournalDisk(disk.Target, file.Path!, file.Format, disk.SizeBytes, now.Root.Top.ToString(), disk.Root.Top.ToString(), 0));
        }
        return new CommonSnapshot(taken.RecoveryPointId, taken.ReadBytes, pairs, [.. pairs.Select(p => DiskStamp.Of(p.Path))]);
    }

    // What the VM's side computed while it read, and what the repository has under the point's name now, must be the same state.
    private static async Task AgreeAsync(PointTaken taken, Repository repository, CancellationToken cancellation)
    {
        var kept = await PointSource.PointAsync(repository, taken.RecoveryPointId, cancellation);
        foreach (var disk in taken.Disks)
            if (kept.Disks.FirstOrDefault(d => d.Target == disk.Target)?.Root != disk.Root)
                throw new ProblemException(Problem.Conflict("The common snapshot does not agree", $"Disk {disk.Target}: the VM's snapshot has the root {disk.Root}, the repository's another. Nothing was restored."));
    }
}
