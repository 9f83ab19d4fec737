using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>The disks of a VM that is off: qemu-nbd reads the images. Its lock on them keeps the VM from starting until all is read.</summary>
internal sealed class StillCapture : ICapture
{
    private readonly CaptureParts _parts;
    private readonly CaptureOrder _order;
    private readonly List<string> _notes;
    private readonly List<DomainDisk> _tracked = [];
    private readonly List<DiskServer> _servers = [];
    private readonly List<DiskExport> _exports = [];
    private string? _base;
    private bool _released, _kept;

    private StillCapture(CaptureParts parts, CaptureOrder order, IEnumerable<string> notes) => (_parts, _order, _notes) = (parts, order, [.. notes]);

    /// <inheritdoc/>
    public IReadOnlyList<DiskExport> Exports => _exports;

    /// <inheritdoc/>
    public Guid? Parent => _exports.Any(e => e.Plan.Since is not null) && _base is { } name ? CheckpointName.PointOf(name) : null;

    /// <inheritdoc/>
    public DateTimeOffset At { get; private set; }

    /// <inheritdoc/>
    public PointConsistency Consistency { get; private set; }

    /// <inheritdoc/>
    public bool WasRunning => false;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => [.. _notes, .. _exports.Select(e => e.Plan.Sentence).OfType<string>()];

    /// <summary>Begins.</summary>
    /// <exception cref="ProblemException">A disk is not a file or device of this machine, or is in use.</exception>
    public static async Task<StillCapture> BeginAsync(CaptureParts parts, CaptureOrder order, CancellationToken cancellation)
    {
        var (hypervisor, domain) = (order.Vm.Hypervisor, order.Vm.Domain);
        var disks = DomainDisks.Read(await hypervisor.XmlAsync(domain, cancellation, inactive: true));
        NoDisks.Refuse(order.Vm.Vm, disks);
        if (disks.Disks.FirstOrDefault(d => d.Path is null) is { } remote)
            throw new ProblemException(Problem.Conflict("A disk is not on this machine", $"Disk {remote.Target} is neither a file nor a device of the host, so it can only be read while the VM runs. Start the VM, and back it up then."));
        var capture = new StillCapture(parts, order, disks.Skipped);
        try
        {
            await capture.BeginAsync(disks.Disks, cancellation);
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
        foreach (var server in _servers) await server.DisposeAsync();
        _parts.Rooms.Close(_order.Point);
        _released = true;
    }

    /// <inheritdoc/>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        _kept = true;
        if (_order.Checkpoint is not { } mine) return;
        var (hypervisor, domain) = (_order.Vm.Hypervisor, _order.Vm.Domain);
        await _parts.Checkpoints.RemoveAllAsync(hypervisor, domain, _tracked.Count > 0 ? mine : _base, cancellation);
        if (_tracked.Count > 0)
            await Checkpoints.DefineAsync(hypervisor, domain, mine, [.. _exports.Select(e => e.Plan.Disk)], d => _tracked.Any(t => t.Target == d.Target), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await ReleaseAsync(CancellationToken.None);
            if (_tracked.Count > 0 && !_kept) await _parts.Checkpoints.RemoveAsync(_order.Vm.Hypervisor, _order.Vm.Domain, _order.Checkpoint!, CancellationToken.None);
        }
        catch (ProblemException e)
        {
            _order.Operation.Log($"A bitmap of the backup is left in the disks, and will be removed later: {e.Problem.Detail}");
        }
    }

    private async Task BeginAsync(IReadOnlyList<DomainDisk> disks, CancellationToken cancellation)
    {
        var chains = new List<IReadOnlyList<ImageFile>>();
        foreach (var disk in disks) chains.Add(await _parts.Images.ChainAsync(disk.Path!, disk.Format, cancellation));
        var names = chains.SelectMany(c => c[0].Bitmaps).Select(b => CheckpointName.PointOf(b.Name)).OfType<Guid>();
        var planner = await ReadPlanner.OfAsync(_order.Repository, _order.Vm.Vm.Id, names, _order.Options.Full, cancellation);
        _base = planner.Checkpoint;
        var plans = disks.Zip(chains, (disk, chain) => Plan(planner, disk with { Chain = [.. chain.Select(i => i.Path)], IsOld = chain[0].IsOld }, chain)).ToList();

        // Recording begins before the first byte is read: were the VM started in between, the bitmap would hold too much, never too little.
        if (_order.Checkpoint is { } name)
            foreach (var disk in plans.Select(p => p.Disk).Where(d => d.Tracks)) await TrackAsync(disk, name, cancellation);

        Consistency = await _order.Vm.Hypervisor.WasShutDownAsync(_order.Vm.Domain, cancellation) ? PointConsistency.Filesystem : PointConsistency.Crash;
        At = planner.Date(_parts.Time.GetUtcNow(), _notes);
        var room = _parts.Rooms.Open(_order.Point);
        foreach (var (plan, number) in plans.Select((p, i) => (p, i)))
        {
            var bitmap = plan.Since is null ? null : planner.Checkpoint;
            var server = new DiskServer(_parts.Processes, Path.Combine(room, $"n{number}"), plan.Disk, bitmap);
            _servers.Add(server);
            await server.StartAsync(cancellation);
            _exports.Add(new DiskExport(plan, server.Socket, DiskServer.Export, bitmap is null ? null : $"qemu:dirty-bitmap:{bitmap}"));
        }
    }

    // qemu-nbd tells the changes of the top image only; after a snapshot, older ones stand in the image below.
    private static ReadPlan Plan(ReadPlanner planner, DomainDisk disk, IReadOnlyList<ImageFile> chain)
    {
        var plan = planner.For(disk, chain[0].Bitmaps);
        return plan.Since is not null && chain.Skip(1).Any(i => i.Bitmaps.Any(b => b.Name == planner.Checkpoint))
            ? plan.AllOfIt("a snapshot was taken since the last point, and its changes are told apart only while the VM runs")
            : plan;
    }

    private async Task TrackAsync(DomainDisk disk, string name, CancellationToken cancellation)
    {
        try
        {
            await _parts.Images.AddBitmapAsync(disk.Path!, name, cancellation);
            _tracked.Add(disk);
        }
        catch (ProblemException e)
        {
            _notes.Add($"Changes of disk {disk.Target} are not tracked since this point: {e.Problem.Detail}");
        }
    }
}
