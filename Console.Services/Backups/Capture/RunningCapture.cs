using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>The disks of a running VM: libvirt's pull-mode backup, whose job keeps what the guest overwrites aside until all is read.</summary>
internal sealed class RunningCapture : ICapture
{
    private const long LeastRoom = 64 << 20;
    private readonly CaptureParts _parts;
    private readonly CaptureOrder _order;
    private readonly ReadPlanner _planner;
    private readonly List<string> _notes;
    private readonly List<string> _scratch = [];
    private readonly string _socket;
    private IReadOnlyList<ReadPlan> _plans = [];
    private bool _checkpointMade, _released, _kept;

    private RunningCapture(CaptureParts parts, CaptureOrder order, ReadPlanner planner, IEnumerable<string> notes, string socket) =>
        (_parts, _order, _planner, _notes, _socket) = (parts, order, planner, [.. notes], socket);

    /// <inheritdoc/>
    public IReadOnlyList<DiskExport> Exports => [.. _plans.Select(p => new DiskExport(p, _socket, p.Disk.Target, p.Since is null ? null : $"qemu:dirty-bitmap:backup-{p.Disk.Target}"))];

    /// <inheritdoc/>
    public Guid? Parent => _plans.Any(p => p.Since is not null) ? _planner.Base?.Id : null;

    /// <inheritdoc/>
    public DateTimeOffset At { get; private set; }

    /// <inheritdoc/>
    public PointConsistency Consistency { get; private set; } = PointConsistency.Crash;

    /// <inheritdoc/>
    public bool WasRunning => true;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => [.. _notes, .. _plans.Select(p => p.Sentence).OfType<string>()];

    private IHypervisor Hypervisor => _order.Vm.Hypervisor;

    private Guid Domain => _order.Vm.Domain;

    /// <summary>Begins.</summary>
    /// <exception cref="ProblemException">Another backup runs, the VM has no disk, or libvirt refuses.</exception>
    public static async Task<RunningCapture> BeginAsync(CaptureParts parts, CaptureOrder order, CancellationToken cancellation)
    {
        var (hypervisor, domain) = (order.Vm.Hypervisor, order.Vm.Domain);
        await BackupJobs.RequireNoneAsync(parts, hypervisor, domain, cancellation);
        var disks = DomainDisks.Read(await hypervisor.XmlAsync(domain, cancellation));
        NoDisks.Refuse(order.Vm.Vm, disks);
        var nodes = await LiveBitmaps.ReadAsync(hypervisor, domain, cancellation);
        var known = await Checkpoints.KnownAsync(hypervisor, domain, cancellation);
        var planner = await ReadPlanner.OfAsync(order.Repository, order.Vm.Vm.Id, known.Select(n => CheckpointName.PointOf(n)!.Value), order.Options.Full, cancellation);
        var plans = disks.Disks.Select(d => (Disk: d, Node: nodes.GetValueOrDefault(d.Node ?? "") ?? LiveNode.None)).Select(d => planner.For(d.Disk with { IsOld = d.Node.IsOld }, d.Node.Bitmaps)).ToList();

        var capture = new RunningCapture(parts, order, planner, disks.Skipped, QemuFolder.SocketFor(order.Vm.Vm, domain, order.Point));
        try
        {
            await capture.BeginAsync(plans, disks.HasAgent && order.Options.Freeze, cancellation);
            return capture;
        }
        catch
        {
            await capture.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task ReleaseAsync(CancellationToken cancellation)
    {
        if (_released) return;
        await BackupJobs.EndAsync(Hypervisor, Domain, _socket, _parts.Time, cancellation);
        foreach (var file in _scratch.Where(File.Exists)) File.Delete(file); // libvirt forgets them when QEMU dies
        if (File.Exists(_socket)) File.Delete(_socket);
        _released = true;
    }

    /// <inheritdoc/>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        _kept = true;
        if (_order.Checkpoint is not { } mine) return;
        // Without a checkpoint of its own, the one before goes on recording and stays right.
        await _parts.Checkpoints.RemoveAllAsync(Hypervisor, Domain, _checkpointMade ? mine : _planner.Checkpoint, cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await ReleaseAsync(CancellationToken.None);
            if (_checkpointMade && !_kept) await _parts.Checkpoints.RemoveAsync(Hypervisor, Domain, _order.Checkpoint!, CancellationToken.None);
        }
        catch (ProblemException e)
        {
            _order.Operation.Log($"Something of the backup is left on the host, and will be removed later: {e.Problem.Detail}");
        }
    }

    private async Task BeginAsync(IReadOnlyList<ReadPlan> plans, bool freeze, CancellationToken cancellation)
    {
        await MakeScratchAsync(plans, cancellation);
        var frozen = freeze && await FreezeAsync(cancellation);
        try
        {
            At = _planner.Date(_parts.Time.GetUtcNow(), _notes);
            await BeginJobAsync(plans, _order.Checkpoint, cancellation);
            if (frozen) Consistency = PointConsistency.Filesystem;
        }
        finally
        {
            if (freeze) await ThawAsync(frozen);
        }
    }

    // What libvirt will not do with tracking it may do without: a backup that reads more is better than none.
    private async Task BeginJobAsync(IReadOnlyList<ReadPlan> plans, string? checkpoint, CancellationToken cancellation)
    {
        _plans = plans;
        try
        {
            var description = checkpoint is null || !plans.Any(p => p.Disk.Tracks) ? null : CheckpointName.Describe(checkpoint, plans.Select(p => p.Disk), d => d.Tracks);
            await Hypervisor.BeginBackupAsync(Domain, Job(plans).ToString(SaveOptions.DisableFormatting), description?.ToString(SaveOptions.DisableFormatting), cancellation);
            _checkpointMade = description is not null;
        }
        catch (HypervisorException e) when (e.Error is HypervisorError.Failed or HypervisorError.Invalid or HypervisorError.Unsupported or HypervisorError.NotFound or HypervisorError.Exists && (plans.Any(p => p.Since is not null) || checkpoint is not null))
        {
            if (!await Checkpoints.RunsAsync(Hypervisor, Domain, cancellation)) throw;
            if (plans.Any(p => p.Since is not null))
            {
                await BeginJobAsync([.. plans.Select(p => p.Since is null ? p : p.AllOfIt($"libvirt refused to tell its changes ({e.Problem.Detail})"))], checkpoint, cancellation);
                return;
            }
            _notes.Add($"Changes are not tracked since this point: {e.Problem.Detail}");
            await BeginJobAsync(plans, null, cancellation);
        }
    }

    private XElement Job(IReadOnlyList<ReadPlan> plans) => new("domainbackup", new XAttribute("mode", "pull"),
        new XElement("server", new XAttribute("transport", "unix"), new XAttribute("socket", _socket)),
        new XElement("disks", plans.Zip(_scratch, (plan, scratch) => new XElement("disk", new XAttribute("name", plan.Disk.Target), new XAttribute("backup", "yes"), new XAttribute("type", "file"),
            new XAttribute("backupmode", plan.Since is null ? "full" : "incremental"), plan.Since is null ? null : new XAttribute("incremental", _planner.Checkpoint!),
            new XElement("driver", new XAttribute("type", "qcow2")), new XElement("scratch", new XAttribute("file", scratch))))));

    // Beside the image: there is room, and QEMU may write there. It grows by what the guest overwrites meanwhile.
    private async Task MakeScratchAsync(IReadOnlyList<ReadPlan> plans, CancellationToken cancellation)
    {
        var sizes = (await Hypervisor.DomainAsync(Domain, cancellation))?.Capacities;
        foreach (var plan in plans)
        {
            if (sizes is null || !sizes.TryGetValue(plan.Disk.Target, out var size)) throw new ProblemException(Problem.Conflict("A disk cannot be read", $"The host does not tell the size of disk {plan.Disk.Target}."));
            var folder = plan.Disk is { IsDevice: false, Path: { } path } ? Path.GetDirectoryName(path)! : (await Hypervisor.EnsurePoolAsync(null, cancellation)).Path;
            RequireRoom(folder);
            _scratch.Add(Path.Combine(folder, $".quarterdeck-{_order.Point:N}-{plan.Disk.Target}.scratch"));
            await _parts.Images.CreateAsync(_scratch[^1], size, cancellation);
        }
    }

    // Where nothing can be kept aside, QEMU stops the guest at its next write: better no backup than that.
    private static void RequireRoom(string folder)
    {
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < LeastRoom)
            throw new ProblemException(Problem.Conflict("No room beside the disk",
                $"'{folder}' has {free >> 20} MiB free. What the guest overwrites while its disk is read is kept there meanwhile; without room the guest would be stopped. Free at least {LeastRoom >> 20} MiB there, or back the VM up while it is off."));
    }

    private async Task<bool> FreezeAsync(CancellationToken cancellation)
    {
        await _order.Operation.NoteAsync(LeftOvers.Frozen, Domain.ToString());
        try
        {
            var count = await Hypervisor.FreezeAsync(Domain, cancellation);
            _order.Operation.Log($"The guest's agent froze {count} file systems.");
            return count > 0;
        }
        catch (HypervisorException e)
        {
            _notes.Add($"The guest's agent did not freeze the file systems, so they are as after a power cut: {e.Problem.Detail}");
            return false;
        }
    }

    // Also when freezing failed: it may have been done all the same, and a guest must not stay frozen.
    private async Task ThawAsync(bool wasFrozen)
    {
        try { await Hypervisor.ThawAsync(Domain, CancellationToken.None); }
        catch (HypervisorException e)
        {
            if (wasFrozen) _order.Operation.Warn($"The guest's file systems may still be frozen: {e.Problem.Detail} Thaw them with virsh domfsthaw, or reset the VM.");
        }
    }
}
