using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Run;

/// <summary>The common snapshot just taken, with what the disks' files looked like right after it.</summary>
internal sealed record CommonSnapshot(Guid PointId, long ReadBytes, IReadOnlyList<JournalDisk> Disks, IReadOnlyList<DiskStamp> Stamps);

/// <summary>What the check of the needed chunks found.</summary>
internal sealed record Needed(long Chunks, long Bytes, long SentBytes);

/// <summary>Brings a VM's own disks back to a point by writing only the chunks that differ.</summary>
internal sealed class IncrementalRestore(
    VmPower power, PointSource source, CommonTaker commons, ChangeTracking tracking, NeededChunks needed, InPlaceWriting writing, RollBack rollBack, ConsoleOptions console, IOptions<RestoresOptions> options, TimeProvider time)
{
    /// <summary>Runs it, or goes on with it after a crash.</summary>
    public async Task<RestoreResult> RunAsync(IOperationContext operation, RestoreInput input, CancellationToken cancellation)
    {
        var vm = await power.LocateAsync(input.VmId, cancellation);
        var beginning = await operation.StepAsync("begin", "Looking at the VM", async c =>
        {
            var running = await power.StateAsync(vm, c) is VmState.Running or VmState.Paused;
            if (running) await operation.NoteAsync(RestoreKinds.PowerNote, input.VmId.ToString());
            return new Beginning(time.GetUtcNow(), running);
        });
        var transfer = new Transfer();
        await using var repository = await source.OpenAsync(input.RepositoryId, cancellation);
        using var spool = new ChunkSpool(repository, (long)options.Value.MemoryMiB << 20, console.DataFolder, transfer);
        var point = await PointSource.PointAsync(repository, input.RecoveryPointId, cancellation);
        await TakeBackAsync(vm, operation);

        // What is known to differ comes first, while the VM still runs: a damaged chunk is found before anybody notices, and the VM is off for less long.
        await operation.StepAsync("fetch", "Fetching what is known to differ", async c =>
        {
            var state = await tracking.StateAsync(vm, c);
            if (state.PointId is { } id && await PointSource.TryAsync(() => repository.PointAsync(id, c)) is { } newest)
                await needed.FetchAsync(repository, spool, [.. Pairs(newest.Disks, point.Disks)], c);
        });
        await operation.StepAsync("off", "Shutting the VM down", c => power.ShutOffAsync(vm, TimeSpan.FromSeconds(input.ShutdownSeconds), operation, c));
        var common = await operation.StepAsync("common", "Taking the common snapshot", c => commons.TakeAsync(vm, input.RepositoryId, repository, point, operation, c));
        var need = await operation.StepAsync("check", "Comparing and checking what is needed", async c =>
        {
            var (chunks, bytes) = await needed.FetchAsync(repository, spool, common.Disks, c);
            return new Needed(chunks, bytes, transfer.Sent);
        });

        var fresh = new RestoreJournal(operation.Id, input.VmId, input.RepositoryId, point.Id, common.PointId, JournalPhase.Writing, common.Disks);
        var resumed = operation.Attempt > 1;
        if (common.Disks.Count > 0)
        {
            await operation.StepAsync("hold", "Taking the disks' names away until they are whole", async c =>
            {
                if (await power.StateAsync(vm, c) is VmState.Running or VmState.Paused) throw new ProblemException(Problem.Conflict("The VM was started", $"'{vm.Vm.Name}' was started by someone else while it was to be restored. Nothing was restored. Try again."));
                var path = JournalFile.PathOf(fresh);
                await operation.NoteAsync(RestoreKinds.JournalNote, path);
                DiskHold.Take(JournalFile.Read(path) is { } begun && begun.Operation == operation.Id ? begun : fresh, common.Stamps);
            });
            await operation.StepAsync("write", $"Writing {DiskMatch.Size(need.Bytes)} that differ", async c =>
            {
                var journal = JournalFile.Read(JournalFile.PathOf(fresh)) ?? fresh;
                if (journal.Phase is JournalPhase.Releasing) return;
                // Either direction may be begun anew at any time: the differing chunks are the same.
                if (journal.Phase is JournalPhase.RollingBack) journal = fresh;
                journal = await PointSource.TryAsync(() => writing.ApplyAsync(journal, repository, spool, transfer, resumed, () => operation.Progress(Math.Min(transfer.Written, need.Bytes), need.Bytes, "bytes"), c));
                JournalFile.Save(journal with { Phase = JournalPhase.Releasing });
            });
        }
        var seconds = await operation.StepAsync("release", "Giving the disks their names back", async c =>
        {
            await rollBack.ReleaseAsync(vm, fresh with { Phase = JournalPhase.Releasing }, repository, point, operation, CancellationToken.None);
            await power.RefreshAsync(vm.Vm.HostId, vm.Domain, c);
            return (time.GetUtcNow() - beginning.At).TotalSeconds;
        });
        if (input.Start ?? beginning.WasRunning) await StartAsync(vm, operation);
        var sent = transfer.Sent >= need.SentBytes ? transfer.Sent : need.SentBytes + transfer.Sent;
        return new RestoreResult(RestoreMode.Incremental, input.VmId, common.ReadBytes, sent, Math.Max(transfer.Written, need.Bytes), need.Chunks, Math.Round(seconds, 3), common.PointId);
    }

    // A restore of this VM that ended in the middle, perhaps another console's: its mix must not become a common snapshot.
    private async Task TakeBackAsync(LocatedVm vm, IOperationContext operation)
    {
        if (JournalFile.Find(vm.Vm.Disks.Select(d => d.Path).OfType<string>()) is { } left && left.Operation != operation.Id)
            await operation.StepAsync("take-back", "Taking an unfinished restore back", c => rollBack.RunAsync(vm, left, operation, c));
    }

    private async Task StartAsync(LocatedVm vm, IOperationContext operation)
    {
        try
        {
            await operation.StepAsync("start", "Starting the VM", c => power.StartAsync(vm, c));
        }
        catch (HypervisorException e)
        {
            operation.Warn($"The VM is restored, but did not start. {e.Problem.Detail}");
        }
    }

    private static IEnumerable<JournalDisk> Pairs(IReadOnlyList<PointDisk> newest, IReadOnlyList<PointDisk> wanted) =>
        from disk in wanted
        let before = newest.FirstOrDefault(d => d.Target == disk.Target)
        where before is not null && before.SizeBytes == disk.SizeBytes
        select new JournalDisk(disk.Target, disk.Path, disk.Format, disk.SizeBytes, before.Root.Top.ToString(), disk.Root.Top.ToString(), 0);
}
