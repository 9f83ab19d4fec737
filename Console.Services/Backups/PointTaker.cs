using System.Text.Json.Serialization;
using System.Xml.Linq;
using Microsoft.Extensions.Options;
using Quarterdeck.Backups.Capture;
using Quarterdeck.Backups.Points;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups;

/// <summary>What a recovery point is taken for.</summary>
public enum TakeKind
{
    /// <summary>A backup: change tracking starts anew from it.</summary>
    Regular,
    /// <summary>The state before a restore: change tracking is left as it is, because the disks are about to change.</summary>
    Common,
}

/// <summary>How to take a recovery point.</summary>
/// <param name="Kind">What for.</param>
public sealed record TakeOptions(TakeKind Kind)
{
    /// <summary>When retention removes it; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The backup job that asked for it; null when there was none.</summary>
    public Guid? JobId { get; init; }

    /// <summary>Whether to ask a guest agent to freeze the file systems for the moment of the point.</summary>
    public bool Freeze { get; init; } = true;

    /// <summary>Whether to read everything although changes were tracked.</summary>
    public bool Full { get; init; }

    /// <summary>Most bytes to read from the VM in a second; null for no limit.</summary>
    public long? BytesPerSecond { get; init; }
}

/// <summary>A recovery point just taken; its operation's result.</summary>
/// <param name="RecoveryPointId">The point.</param>
/// <param name="RepositoryId">The repository as the console knows it.</param>
/// <param name="VmId">The VM.</param>
/// <param name="Kind">Full, or incremental when at least one disk was read by its changes.</param>
/// <param name="Consistency">What the state can be trusted for.</param>
/// <param name="ReadBytes">Bytes read from the VM's disks.</param>
/// <param name="StoredBytes">Bytes that the repository grew by.</param>
/// <param name="LogicalBytes">Sizes of all disks.</param>
/// <param name="Seconds">From start to commit.</param>
/// <param name="Notes">Sentences for people, such as why a disk was read whole.</param>
public sealed record PointTaken(
    Guid RecoveryPointId, Guid RepositoryId, Guid VmId, PointKind Kind, PointConsistency Consistency, long ReadBytes, long StoredBytes, long LogicalBytes, double Seconds, IReadOnlyList<string> Notes)
{
    /// <summary>The disks with their roots, as in the point's manifest.</summary>
    [JsonIgnore]
    public IReadOnlyList<PointDisk> Disks { get; init; } = [];

    internal static PointTaken Of(PointManifest point, Guid repositoryId) => new(
        point.Id, repositoryId, point.VmId, point.Kind, point.Consistency, point.Counters.ReadBytes, point.Counters.StoredBytes, point.Counters.LogicalBytes, point.Counters.Seconds, point.Notes) { Disks = point.Disks };
}

/// <summary>Takes recovery points of VMs, running or off.</summary>
public sealed class PointTaker
{
    private const int MostStarts = 3;
    private readonly CaptureParts _parts;
    private readonly GuestState _state;
    private readonly PointStore _points;
    private readonly BackupsOptions _options;

    internal PointTaker(CaptureParts parts, GuestState state, PointStore points, IOptions<BackupsOptions> options) => (_parts, _state, _points, _options) = (parts, state, points, options.Value);

    /// <summary>Takes a point of all disks at one instant and commits it to the repository.</summary>
    /// <param name="vm">Where the VM is.</param>
    /// <param name="repositoryId">The repository as the console knows it.</param>
    /// <param name="repository">An open session of it.</param>
    /// <param name="options">How.</param>
    /// <param name="operation">The operation it belongs to: told progress in bytes, log and warnings. Its handler must pass the notes of kind <c>backup.*</c> to <see cref="CleanUpAsync"/> when it undoes.</param>
    /// <param name="cancellation">Gives up and leaves nothing behind.</param>
    /// <exception cref="ProblemException">It cannot be done; says why and what would help.</exception>
    /// <exception cref="TransientException">The host or the repository is away.</exception>
    /// <remarks>Resumable: run again by the same operation after a kill, it answers the point that was committed, or takes it.</remarks>
    public async Task<PointTaken> TakeAsync(LocatedVm vm, Guid repositoryId, Repository repository, TakeOptions options, IOperationContext operation, CancellationToken cancellation)
    {
        if (!vm.Hypervisor.SharesFileSystem)
            throw new ProblemException(Problem.Conflict("VMs of that host cannot be backed up yet", $"Only VMs of the machine that the console runs on can be backed up. Run a console on '{vm.Vm.HostName}' for its VMs."));
        var point = await operation.StepAsync("backup-point", "Preparing the backup", _ => Task.FromResult(Guid.CreateVersion7(_parts.Time.GetUtcNow())));
        try
        {
            if (await repository.PointAsync(point, cancellation) is not { } committed)
            {
                await operation.NoteAsync(LeftOvers.Point, point.ToString());
                if (operation.Attempt > 1) await RemoveLeftOversAsync(vm, point, operation.Log, cancellation);
                committed = await operation.StepAsync("backup-read", "Reading the disks", async c =>
                {
                    await ReadAsync(new CaptureOrder(vm, repository, point, options, operation), c);
                    return point;
                }) == point ? await repository.PointAsync(point, cancellation) ?? throw new InvalidOperationException($"The point {point} was committed and is not there.") : throw new InvalidOperationException("The step belongs to another point.");
            }
            else if (options.Kind == TakeKind.Regular)
            {
                operation.Log("The point was committed before the console stopped.");
                await _parts.Checkpoints.RemoveAllAsync(vm.Hypervisor, vm.Domain, CheckpointName.Of(point), cancellation);
            }
            await _points.PutAsync(repositoryId, [committed], cancellation);
            return PointTaken.Of(committed, repositoryId);
        }
        catch (HypervisorException e) when (e.Error is HypervisorError.Disconnected or HypervisorError.TimedOut) { throw new TransientException(e.Problem.Detail, e); }
        catch (RepositoryException e) when (e.Transient || e.Fault is RepositoryFault.SessionLost) { throw new TransientException(e.Problem.Detail, e); }
    }

    /// <summary>Removes what a capture that was cut off may have left on the host: its job, its sockets, its half-made checkpoint.</summary>
    public async Task CleanUpAsync(LocatedVm vm, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        foreach (var note in notes.Where(n => n.Kind == LeftOvers.Point))
            if (Guid.TryParse(note.Value, out var point) && await _points.FindAsync(point, cancellation) is null) await RemoveLeftOversAsync(vm, point, _ => { }, cancellation);
        if (notes.Any(n => n.Kind == LeftOvers.Frozen)) await ThawAsync(vm, cancellation);
    }

    private async Task RemoveLeftOversAsync(LocatedVm vm, Guid point, Action<string> log, CancellationToken cancellation)
    {
        if (await vm.Hypervisor.DomainAsync(vm.Domain, cancellation) is null) return;
        await ThawAsync(vm, cancellation); // a guest that was frozen when the console died waits for this
        if (await Checkpoints.RunsAsync(vm.Hypervisor, vm.Domain, cancellation)) await BackupJobs.RequireNoneAsync(_parts, vm.Hypervisor, vm.Domain, cancellation);
        await _parts.Checkpoints.RemoveAsync(vm.Hypervisor, vm.Domain, CheckpointName.Of(point), cancellation);
        log("Removed what the attempt before had left on the host.");
    }

    private static async Task ThawAsync(LocatedVm vm, CancellationToken cancellation)
    {
        try
        {
            if (DomainDisks.Read(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation)).HasAgent) await vm.Hypervisor.ThawAsync(vm.Domain, cancellation);
        }
        catch (HypervisorException e) when (e.Error is not (HypervisorError.Disconnected or HypervisorError.TimedOut)) { /* not frozen, or gone */ }
    }

    // A VM that is shut down, started or killed while it is read loses its exports, not its content: the capture begins anew in its new state.
    private async Task ReadAsync(CaptureOrder order, CancellationToken cancellation)
    {
        for (var start = 1; ; start++)
        {
            var before = await RunAsync(order.Vm, cancellation);
            try
            {
                await using ICapture capture = before is null ? await StillCapture.BeginAsync(_parts, order, cancellation) : await RunningCapture.BeginAsync(_parts, order, cancellation);
                await MoveAsync(capture, order, cancellation);
                return;
            }
            catch (Exception e) when (e is NbdException or ProblemException && !cancellation.IsCancellationRequested)
            {
                var after = await RunAsync(order.Vm, cancellation);
                if (after != before && start < MostStarts)
                {
                    order.Operation.Log($"The VM was {(after is null ? "stopped" : "started")} while its disks were read ({e.Message}). Beginning anew.");
                    continue;
                }
                if (e is NbdException) throw new ProblemException(Problem.Conflict("A disk cannot be read", $"{e.Message} Look at the VM's disks and at its log on the host, then start the backup again."), e);
                throw;
            }
        }
    }

    private async Task MoveAsync(ICapture capture, CaptureOrder order, CancellationToken cancellation)
    {
        var (vm, repository, options) = (order.Vm, order.Repository, order.Options);
        var begun = _parts.Time.GetTimestamp();
        var notes = new List<string>(capture.Notes);
        foreach (var note in notes) order.Operation.Log(note);
        var xml = await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: true, secrets: true);
        var files = await _state.StoreAsync(vm, xml, repository, notes, cancellation);
        var reading = new DiskReading(repository, new ByteMeter(order.Operation, _parts.Time, options.BytesPerSecond), _options.Readers);
        var reads = new List<DiskRead>();
        foreach (var export in capture.Exports) reads.Add(await reading.ReadAsync(export, cancellation));
        await capture.ReleaseAsync(cancellation);

        await repository.FlushAsync(cancellation); // so that what was stored is counted before the point is written
        await repository.CommitPointAsync(new PointManifest
        {
            Id = order.Point,
            VmId = vm.Vm.Id,
            VmName = vm.Vm.Name,
            HostName = vm.Vm.HostName,
            CreatedAt = capture.At,
            ParentId = capture.Parent,
            JobId = options.JobId,
            Kind = reads.Any(r => r.Disk.Incremental) ? PointKind.Incremental : PointKind.Full,
            Consistency = capture.Consistency,
            DomainXml = xml,
            WasRunning = capture.WasRunning,
            Disks = [.. reads.Select(r => r.Disk)],
            Files = files,
            Counters = new PointCounters(
                reads.Sum(r => r.Disk.SizeBytes), reads.Sum(r => r.Disk.ReadBytes), repository.StoredBytes, reads.Sum(r => r.Chunks), reads.Sum(r => r.NewChunks), _parts.Time.GetElapsedTime(begun).TotalSeconds),
            Notes = notes,
            Labels = new PointLabels { Common = options.Kind == TakeKind.Common, ExpiresAt = options.ExpiresAt },
        }, cancellation);
        // The point is safe whatever happens now; too many checkpoints are removed by the next backup.
        try { await capture.KeepAsync(CancellationToken.None); }
        catch (ProblemException e) { order.Operation.Warn($"The point is complete, but changes may not be tracked since it: {e.Problem.Detail}"); }
    }

    // Which run of the VM this is; null while it is off.
    private static async Task<string?> RunAsync(LocatedVm vm, CancellationToken cancellation)
    {
        if (await vm.Hypervisor.DomainAsync(vm.Domain, cancellation) is not { } domain)
            throw new ProblemException(Problem.Conflict("The VM is gone", $"'{vm.Vm.Name}' is not on '{vm.Vm.HostName}' any more: it was deleted, or moved to another host. Nothing of this backup is kept; its earlier recovery points are as they were."));
        return domain.State is VmState.Running or VmState.Paused ? (string?)XElement.Parse(domain.Xml).Attribute("id") ?? "" : null;
    }
}
