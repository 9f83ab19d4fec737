using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Restores.Instant;

/// <summary>Moves everything into a VM's own images while it is used, whatever is killed on the way, until it needs the repository no more.</summary>
internal sealed class InstantPull(RetryShim shim, StillPull still, VmPower power, TimeProvider time)
{
    private const int LooksAtDamage = 3;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(400), OffFor = TimeSpan.FromSeconds(5), StandingFor = TimeSpan.FromSeconds(4);

    /// <summary>Returns when no disk reads from the repository any more.</summary>
    /// <param name="operation">Told how far it is; while damage stands in the way it has a step <c>mend-1</c>, <c>mend-2</c> …</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="made">Its disks.</param>
    /// <param name="exports">What the console serves, in the disks' order.</param>
    /// <param name="fresh">Whether the program between QEMU and the console was started anew just now, disk by disk.</param>
    /// <param name="start">Whether the VM is to run again when it died with its QEMU.</param>
    /// <param name="cancellation">Ends it; what was moved stays moved.</param>
    /// <exception cref="ProblemException">The VM was deleted.</exception>
    public async Task RunAsync(IOperationContext operation, Guid vmId, InstantVm made, IReadOnlyList<PointExport> exports, IReadOnlyList<bool> fresh, bool start, CancellationToken cancellation)
    {
        var disks = made.Disks.Zip(exports, (disk, export) => new PulledDisk(disk, export)).ToList();
        foreach (var (disk, broken) in disks.Zip(fresh)) disk.IsBroken = broken;
        var total = made.Disks.Sum(d => d.SizeBytes);
        long? off = null, standing = null;
        var (tries, waits) = (0, 0);
        while (disks.Any(d => !d.IsWhole))
        {
            await TurnAsync(cancellation);
            if (!disks.Any(d => d.Damage is not null)) continue;
            // Neither failed nor at work: everything that is whole is served all the while, or the guest would stand still at once.
            await operation.StepAsync($"mend-{++waits}", "Waiting until the repository is mended", async c =>
            {
                for (; disks.Any(d => d.Damage is not null); await TurnAsync(c))
                    foreach (var disk in disks) await TellAsync(operation, disk, c);
            });
            operation.Log("What was damaged can be read: the data moves on.");
        }
        operation.Progress(total, total, "bytes");

        async Task TurnAsync(CancellationToken stop)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                var vm = await power.LocateAsync(vmId, stop);
                var state = await power.StateAsync(vm, stop);
                await ServeAsync(disks, stop);
                foreach (var disk in disks.Where(d => !d.IsWhole)) await LookAsync(vm, disk, state, stop);
                operation.Progress(disks.Sum(d => d.IsWhole ? d.Disk.SizeBytes : d.Done), total, "bytes");
                if (state is VmState.Running or VmState.Paused)
                {
                    off = null;
                    if (!await LiveOverlay.IsStoppedByErrorAsync(vm.Hypervisor, vm.Domain, stop)) standing = null;
                    else standing = await GoOnAsync(operation, vm, disks, standing, stop);
                }
                else if (state is VmState.Crashed && start && tries++ < 3)
                {
                    operation.Warn("The VM's QEMU died, or could not start with its host; the VM is started again. Its disks are as after a power cut: what the guest had flushed is there.");
                    await power.StartAsync(vm, stop);
                }
                // A guest that is only restarted is not disturbed; one that stays off waits for nobody.
                else if (time.GetElapsedTime(off ??= time.GetTimestamp()) > OffFor) await MoveStillAsync(operation, vm, vmId, disks, total, stop);
            }
            catch (TransientException e) { operation.Log($"It goes on when the host is back: {e.Message}"); await Task.Delay(OffFor, time, stop); }
            catch (HypervisorException e) when (e.Error is not HypervisorError.NotFound) { operation.Log($"It is tried again: {e.Problem.Detail}"); await Task.Delay(Poll * 5, time, stop); }
            if (disks.Any(d => !d.IsWhole)) await Task.Delay(Poll, time, stop);
        }
    }

    private static async Task TellAsync(IOperationContext operation, PulledDisk disk, CancellationToken cancellation)
    {
        if (disk.Damage == disk.Told) return;
        disk.Told = disk.Damage;
        if (disk.Damage is null) return;
        var points = "";
        try { points = await disk.Export.DamagedPointsAsync(cancellation) is { Count: > 0 } named ? $" {DamagedPoints.Words(named)}." : ""; }
        catch (RepositoryException) { /* it said enough */ }
        operation.Warn($"Disk {disk.Disk.Target}: {disk.Damage}{points} The VM stays, with what its guest wrote; it stands still when it needs what cannot be read. Mend the repository: the data then moves on by itself. Cancelling removes the VM.");
    }

    // A shim that died takes QEMU's connection with it.
    private async Task ServeAsync(IReadOnlyList<PulledDisk> disks, CancellationToken cancellation)
    {
        foreach (var disk in disks.Where(d => !d.IsWhole))
            if (await shim.EnsureAsync(disk.Disk.Socket, disk.Export.SocketPath, cancellation)) disk.IsBroken = true;
    }

    private async Task LookAsync(LocatedVm vm, PulledDisk disk, VmState state, CancellationToken cancellation)
    {
        if (!InstantDefinition.Stands(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: state is not (VmState.Running or VmState.Paused)), disk.Disk))
        {
            (disk.IsWhole, disk.Damage) = (true, null);
            if (state is VmState.Running or VmState.Paused) await LiveOverlay.ForgetAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
            return;
        }
        if (state is not (VmState.Running or VmState.Paused)) { disk.IsBroken = false; disk.Failures = 0; return; /* the next QEMU connects anew */ }
        if (await LiveOverlay.IsAloneAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation))
        {
            // Nothing is left to move: libvirt's own job ends at once, and its definition follows. Until then the definition has what lies below, whatever is killed.
            if (await LiveOverlay.FlushAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation)) await vm.Hypervisor.BeginPullAsync(vm.Domain, disk.Disk.Target, cancellation);
            return;
        }
        var job = await LiveOverlay.JobAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
        if (job is { Stands: false } && !disk.IsBroken)
        {
            // Asked for again it first runs: only what it moves proves that nothing is in its way any more.
            if (job.Done > disk.Done) (disk.Done, disk.Failures, disk.Looks, disk.Damage) = (Math.Min(job.Done, disk.Disk.SizeBytes), 0, 0, null);
            // What stands between asks again for a while before QEMU hears of it; people are told at once.
            else if (disk.Export.Damage is { } found && ++disk.Looks > LooksAtDamage) disk.Damage = found;
            return;
        }
        if (job is not null && !disk.IsBroken && disk.Export.Damage is { } damage)
        {
            disk.Damage = damage;
            if (IsToAskAgain(disk) && await RetryShim.FlowsAsync(disk.Disk.Socket, cancellation)) await LiveOverlay.ContinueAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
            return;
        }
        if (job is null && !disk.IsBroken && disk.Failures == 0)
        {
            disk.Failures++;
            await LiveOverlay.BeginAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
            return;
        }
        // Something between QEMU and the repository broke: it goes on when bytes flow again, by a new connection if the old one is gone.
        if (!await RetryShim.FlowsAsync(disk.Disk.Socket, cancellation)) return;
        if (disk.IsBroken || ++disk.Failures > 3) await ReconnectAsync(vm, disk, cancellation);
        else if (job is not null) await LiveOverlay.ContinueAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
        else await LiveOverlay.BeginAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
    }

    // What is damaged is not asked for without end.
    private bool IsToAskAgain(PulledDisk disk)
    {
        if (disk.AskedAt is { } at && time.GetElapsedTime(at) < OffFor) return false;
        disk.AskedAt = time.GetTimestamp();
        return true;
    }

    private static async Task ReconnectAsync(LocatedVm vm, PulledDisk disk, CancellationToken cancellation)
    {
        if (await LiveOverlay.ReconnectAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation) is null) (disk.IsBroken, disk.Failures) = (false, 0);
        await LiveOverlay.BeginAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
    }

    // Mostly the connection is whole and only a read failed; if it stands still again at once, the connection is made anew.
    private async Task<long?> GoOnAsync(IOperationContext operation, LocatedVm vm, IReadOnlyList<PulledDisk> disks, long? since, CancellationToken cancellation)
    {
        var damaged = disks.Any(d => d.Export.Damage is not null);
        // It needs what is damaged: a new connection would not help, and neither does asking all the time.
        if (damaged && since is { } stood && time.GetElapsedTime(stood) < OffFor) return since;
        foreach (var disk in disks.Where(d => !d.IsWhole))
        {
            if (!await RetryShim.FlowsAsync(disk.Disk.Socket, cancellation)) return since ?? time.GetTimestamp();
            if (disk.IsBroken || !damaged && since is { } begun && time.GetElapsedTime(begun) > StandingFor) await ReconnectAsync(vm, disk, cancellation);
        }
        if (!damaged || since is null) operation.Log(damaged ? "The guest stands still: it needs what is damaged. It is let go on every few seconds." : "The guest stood still because it could not read; it goes on.");
        await vm.Hypervisor.ResumeAsync(vm.Domain, cancellation);
        return damaged ? time.GetTimestamp() : since ?? time.GetTimestamp();
    }

    private async Task MoveStillAsync(IOperationContext operation, LocatedVm vm, Guid vmId, IReadOnlyList<PulledDisk> disks, long total, CancellationToken cancellation)
    {
        foreach (var disk in disks.Where(d => !d.IsWhole && (d.Damage is null || IsToAskAgain(d))))
        {
            var log = disk.Damage is null ? operation.Log : (Action<string>)(_ => { /* it was said */ });
            if (await still.RunAsync(vmId, disk.Disk, done => { disk.Done = Math.Max(disk.Done, done); operation.Progress(disks.Sum(d => d.IsWhole ? d.Disk.SizeBytes : d.Done), total, "bytes"); }, log, cancellation))
            {
                Durable.Sync(disk.Disk.Overlay);
                await vm.Hypervisor.DefineAsync(InstantDefinition.Alone(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: true, secrets: true), disk.Disk), cancellation);
                (disk.IsWhole, disk.Damage) = (true, null);
            }
            else if (disk.Export.Damage is { } damage) disk.Damage = damage;
            else return;
        }
    }
}
