using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Restores.Instant;

/// <summary>Moves everything into a VM's own images while it is used, whatever is killed on the way, until it needs the repository no more.</summary>
internal sealed class InstantPull(RetryShim shim, StillPull still, VmPower power, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(400), OffFor = TimeSpan.FromSeconds(5), StandingFor = TimeSpan.FromSeconds(4);

    /// <summary>Returns when no disk reads from the repository any more.</summary>
    /// <param name="operation">Told how far it is.</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="made">Its disks.</param>
    /// <param name="exports">What the console serves, in the disks' order.</param>
    /// <param name="fresh">Whether the program between QEMU and the console was started anew just now, disk by disk.</param>
    /// <param name="start">Whether the VM is to run again when it died with its QEMU.</param>
    /// <param name="cancellation">Ends it; what was moved stays moved.</param>
    /// <exception cref="ProblemException">The VM was deleted, or a chunk that it needs is damaged.</exception>
    public async Task RunAsync(IOperationContext operation, Guid vmId, InstantVm made, IReadOnlyList<PointExport> exports, IReadOnlyList<bool> fresh, bool start, CancellationToken cancellation)
    {
        var disks = made.Disks.Zip(exports, (disk, export) => new Progress(disk, export)).ToList();
        foreach (var (disk, broken) in disks.Zip(fresh)) disk.IsBroken = broken;
        var total = made.Disks.Sum(d => d.SizeBytes);
        long? off = null, standing = null;
        var tries = 0;
        while (disks.Any(d => !d.IsWhole))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                var vm = await power.LocateAsync(vmId, cancellation);
                var state = await power.StateAsync(vm, cancellation);
                await ServeAsync(disks, cancellation);
                foreach (var disk in disks.Where(d => !d.IsWhole)) await LookAsync(vm, disk, state, cancellation);
                operation.Progress(disks.Sum(d => d.IsWhole ? d.Disk.SizeBytes : d.Done), total, "bytes");
                if (state is VmState.Running or VmState.Paused)
                {
                    off = null;
                    if (!await LiveOverlay.IsStoppedByErrorAsync(vm.Hypervisor, vm.Domain, cancellation)) standing = null;
                    else standing = await GoOnAsync(operation, vm, disks, standing, cancellation);
                }
                else if (state is VmState.Crashed && start && tries++ < 3)
                {
                    operation.Warn("The VM's QEMU died; the VM is started again. Its disks are as after a power cut: what the guest had flushed is there.");
                    await power.StartAsync(vm, cancellation);
                }
                // A guest that is only restarted is not disturbed; one that stays off waits for nobody.
                else if (time.GetElapsedTime(off ??= time.GetTimestamp()) > OffFor) await MoveStillAsync(operation, vm, vmId, disks, total, cancellation);
            }
            catch (TransientException e) { operation.Log($"It goes on when the host is back: {e.Message}"); await Task.Delay(OffFor, time, cancellation); }
            catch (HypervisorException e) when (e.Error is not HypervisorError.NotFound) { operation.Log($"It is tried again: {e.Problem.Detail}"); await Task.Delay(Poll * 5, time, cancellation); }
            if (disks.Any(d => !d.IsWhole)) await Task.Delay(Poll, time, cancellation);
        }
        operation.Progress(total, total, "bytes");
    }

    // A shim that died takes QEMU's connection with it.
    private async Task ServeAsync(IReadOnlyList<Progress> disks, CancellationToken cancellation)
    {
        foreach (var disk in disks.Where(d => !d.IsWhole))
            if (await shim.EnsureAsync(disk.Disk.Socket, disk.Export.SocketPath, cancellation)) disk.IsBroken = true;
    }

    private static async Task LookAsync(LocatedVm vm, Progress disk, VmState state, CancellationToken cancellation)
    {
        if (!InstantDefinition.Stands(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: state is not (VmState.Running or VmState.Paused)), disk.Disk))
        {
            disk.IsWhole = true;
            if (state is VmState.Running or VmState.Paused) await LiveOverlay.ForgetAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
            return;
        }
        if (state is not (VmState.Running or VmState.Paused)) { disk.IsBroken = false; disk.Failures = 0; return; /* the next QEMU connects anew */ }
        if (await LiveOverlay.IsAloneAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation))
        {
            // Nothing is left to move: libvirt's own job ends at once, and its definition follows.
            await vm.Hypervisor.BeginPullAsync(vm.Domain, disk.Disk.Target, cancellation);
            return;
        }
        var job = await LiveOverlay.JobAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
        if (job is { Stands: false } && !disk.IsBroken)
        {
            if (job.Done > disk.Done) (disk.Done, disk.Failures) = (Math.Min(job.Done, disk.Disk.SizeBytes), 0);
            return;
        }
        if (job is not null && disk.Export.Damage is { } damage) throw new ProblemException(Problem.Conflict("The data cannot be moved",
            $"Disk {disk.Disk.Target}: {damage} The VM and what its guest wrote stay; it stands still when it needs what cannot be read. Mend the repository, then retry; or cancel, which removes the VM."));
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

    private static async Task ReconnectAsync(LocatedVm vm, Progress disk, CancellationToken cancellation)
    {
        if (await LiveOverlay.ReconnectAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation) is null) (disk.IsBroken, disk.Failures) = (false, 0);
        await LiveOverlay.BeginAsync(vm.Hypervisor, vm.Domain, disk.Disk, cancellation);
    }

    // Mostly the connection is whole and only a read failed; if it stands still again at once, the connection is made anew.
    private async Task<long?> GoOnAsync(IOperationContext operation, LocatedVm vm, IReadOnlyList<Progress> disks, long? since, CancellationToken cancellation)
    {
        foreach (var disk in disks.Where(d => !d.IsWhole))
        {
            if (!await RetryShim.FlowsAsync(disk.Disk.Socket, cancellation)) return since ?? time.GetTimestamp();
            if ((disk.IsBroken || since is { } begun && time.GetElapsedTime(begun) > StandingFor)) await ReconnectAsync(vm, disk, cancellation);
        }
        operation.Log("The guest stood still because it could not read; it goes on.");
        await vm.Hypervisor.ResumeAsync(vm.Domain, cancellation);
        return since ?? time.GetTimestamp();
    }

    private async Task MoveStillAsync(IOperationContext operation, LocatedVm vm, Guid vmId, IReadOnlyList<Progress> disks, long total, CancellationToken cancellation)
    {
        foreach (var disk in disks.Where(d => !d.IsWhole))
        {
            if (!await still.RunAsync(vmId, disk.Disk, done => { disk.Done = Math.Max(disk.Done, done); operation.Progress(disks.Sum(d => d.IsWhole ? d.Disk.SizeBytes : d.Done), total, "bytes"); }, operation.Log, cancellation)) return;
            await vm.Hypervisor.DefineAsync(InstantDefinition.Alone(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: true, secrets: true), disk.Disk), cancellation);
            disk.IsWhole = true;
        }
    }

    private sealed class Progress(InstantDisk disk, PointExport export)
    {
        public InstantDisk Disk => disk;
        public PointExport Export => export;
        public bool IsWhole { get; set; }
        public bool IsBroken { get; set; }
        public int Failures { get; set; }
        public long Done { get; set; }
    }
}
