using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Run;

/// <summary>Ends a restore in place that did not come to its end: takes it back from the common snapshot, or, when disks have their names again already, finishes it.</summary>
internal sealed class RollBack(VmPower power, PointSource source, ChangeTracking tracking, InPlaceWriting writing, Firmware firmware, ConsoleOptions console, IOptions<RestoresOptions> options)
{
    /// <summary>Afterwards the disks are the common snapshot (or, finished, the point), have their names again, and there is no journal.</summary>
    /// <exception cref="TransientException">Repository or host are away.</exception>
    public async Task RunAsync(LocatedVm vm, RestoreJournal journal, IOperationContext operation, CancellationToken cancellation)
    {
        await using var repository = await source.OpenAsync(journal.RepositoryId, cancellation);
        var held = journal.Disks.All(d => File.Exists(d.Held));
        if (journal.Phase is not JournalPhase.Releasing || (held && !journal.RolledBack))
        {
            // Nothing is written before all disks are held: one that has its name was never touched, and then none was.
            if (held) journal = await WriteBackAsync(journal, repository, operation, cancellation);
            journal = journal with { Phase = JournalPhase.Releasing, RolledBack = true };
            JournalFile.Save(journal);
        }
        else if (!journal.RolledBack) operation.Log("The restored disks had their names again already, so the restore was finished rather than taken back.");
        var now = await PointSource.PointAsync(repository, journal.RolledBack ? journal.CommonPointId : journal.PointId, cancellation);
        await ReleaseAsync(vm, journal, repository, now, operation, cancellation);
    }

    /// <summary>Gives whole disks their names back, with the firmware's state of the same point, and tracks changes from there.</summary>
    public async Task ReleaseAsync(LocatedVm vm, RestoreJournal journal, Repository repository, PointManifest now, IOperationContext operation, CancellationToken cancellation)
    {
        await firmware.RestoreAsync(vm, now, repository, operation, cancellation);
        // Taken back, the disks are again what the saved memory belongs to.
        if (!journal.RolledBack) await power.DropSavedStateAsync(vm, operation, cancellation);
        DiskHold.Release(journal);
        await TrackAsync(vm, now.Id, operation, cancellation);
        if (journal.Disks.Count > 0) JournalFile.Remove(journal);
    }

    /// <summary>Lets the next backup be incremental; when that is not possible it reads everything, which is said.</summary>
    public async Task TrackAsync(LocatedVm vm, Guid pointId, IOperationContext operation, CancellationToken cancellation)
    {
        try
        {
            await tracking.RestartAsync(vm, pointId, cancellation);
        }
        catch (ProblemException e)
        {
            operation.Warn($"Changes are not tracked from here, so the next backup reads the whole disks (it sends only what differs). {e.Problem.Detail}");
        }
    }

    private async Task<RestoreJournal> WriteBackAsync(RestoreJournal journal, Repository repository, IOperationContext operation, CancellationToken cancellation)
    {
        operation.Log("The restore is taken back: the disks are written from the common snapshot.");
        if (journal.Phase is not JournalPhase.RollingBack)
        {
            journal = journal with { Phase = JournalPhase.RollingBack, Disks = [.. journal.Disks.Select(d => d with { Written = 0 })] };
            JournalFile.Save(journal);
        }
        var transfer = new Transfer();
        using var spool = new ChunkSpool(repository, (long)options.Value.MemoryMiB << 20, console.DataFolder, transfer);
        return await PointSource.TryAsync(() => writing.ApplyAsync(journal, repository, spool, transfer, resumed: true, () => operation.Progress(transfer.Written, null, "bytes"), cancellation));
    }
}
