using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Restores.Exports;

namespace Quarterdeck.Restores.Files;

/// <summary>The recovery points that are browsed now: one file VM each, shared by all who look, ended when nobody does.</summary>
internal sealed partial class OpenPoints(
    FileVmImage image, ExportSockets sockets, PointExports exports, RecoveryPoints points, HostRegistry hosts, HostConnections connections, ProcessRunner runner,
    IOptions<RestoresOptions> options, TimeProvider time, ILogger<OpenPoints> logger) : BackgroundService
{
    private const int MostDisks = 24; // slots of the machine's bus
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid Point, Guid Repository), Slot> _slots = [];
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>How many file VMs there are.</summary>
    public int Count
    {
        get { lock (_gate) return _slots.Count; }
    }

    /// <summary>Works on a point, which is opened if it is not; it stays open meanwhile.</summary>
    public async Task<Result<T>> UseAsync<T>(Guid pointId, Guid? repositoryId, Func<OpenPoint, Task<Result<T>>> work, CancellationToken cancellation)
    {
        if (!(await points.GetAsync(Caller.System, pointId, cancellation, repositoryId)).TryGet(out var point, out var problem)) return problem;
        if (!(await TakeAsync(point)).TryGet(out var slot, out problem)) return problem;
        try
        {
            var open = await slot.Opened.WaitAsync(cancellation);
            return await work(open);
        }
        catch (ProblemException e) { return e.Problem; }
        finally
        {
            lock (_gate) (slot.Users, slot.UsedAt) = (slot.Users - 1, time.GetUtcNow());
        }
    }

    /// <summary>Ends what is open for a point, whoever uses it.</summary>
    public async Task CloseAsync(Guid pointId)
    {
        List<KeyValuePair<(Guid Point, Guid Repository), Slot>> closing;
        lock (_gate) closing = [.. _slots.Where(s => s.Key.Point == pointId)];
        foreach (var (key, slot) in closing) await EndAsync(key, slot);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Look, time, stoppingToken);
                List<KeyValuePair<(Guid Point, Guid Repository), Slot>> idle;
                var before = time.GetUtcNow().AddSeconds(-options.Value.FileIdleSeconds);
                lock (_gate) idle = [.. _slots.Where(s => s.Value.Users == 0 && (s.Value.UsedAt < before || s.Value.IsOver))];
                foreach (var (key, slot) in idle) await EndAsync(key, slot);
            }
        }
        catch (OperationCanceledException) { /* the console stops */ }
        await _stopping.CancelAsync();
        List<KeyValuePair<(Guid Point, Guid Repository), Slot>> all;
        lock (_gate) all = [.. _slots];
        foreach (var (key, slot) in all) await EndAsync(key, slot);
    }

    private async Task<Result<Slot>> TakeAsync(RecoveryPoint point)
    {
        var key = (point.Id, point.RepositoryId);
        while (true)
        {
            KeyValuePair<(Guid, Guid), Slot> leaving;
            lock (_gate)
            {
                if (_slots.TryGetValue(key, out var there))
                {
                    if (!there.IsOver)
                    {
                        there.Users++;
                        return there;
                    }
                    leaving = new(key, there);
                }
                else if (_slots.Count < options.Value.FileVms)
                {
                    // Opened for all who wait, so that one who leaves ends it for nobody.
                    return _slots[key] = new Slot { Users = 1, UsedAt = time.GetUtcNow(), Opened = Task.Run(() => OpenAsync(point, _stopping.Token)) };
                }
                else
                {
                    leaving = _slots.Where(s => s.Value.Users == 0).OrderBy(s => s.Value.UsedAt).FirstOrDefault();
                    if (leaving.Value is null)
                        return Problem.Unavailable("Too many recovery points are browsed", $"The files of {_slots.Count} recovery points are read right now, which is the most (Quarterdeck:Restores:FileVms). Try again in a moment.");
                }
            }
            await EndAsync(leaving.Key, leaving.Value);
        }
    }

    private async Task EndAsync((Guid Point, Guid Repository) key, Slot slot)
    {
        lock (_gate)
            if (!_slots.TryGetValue(key, out var now) || now != slot || !_slots.Remove(key)) return;
        try
        {
            await (await slot.Opened).DisposeAsync();
            Log.Closed(logger, key.Point);
        }
        catch (Exception e) when (e is ProblemException or OperationCanceledException) { /* it never opened; who waited was told */ }
    }

    private async Task<OpenPoint> OpenAsync(RecoveryPoint point, CancellationToken cancellation)
    {
        var opened = new List<PointExport>();
        FileVm? vm = null;
        try
        {
            var begun = time.GetTimestamp();
            var manifest = (await points.ManifestAsync(Caller.System, point.Id, cancellation, point.RepositoryId)).Value;
            if (manifest.Disks.Count > MostDisks) throw new ProblemException(Problem.Conflict("It has too many disks", $"Files can be read from points of up to {MostDisks} disks; this one has {manifest.Disks.Count}. Restore it as a new VM."));
            var boot = await image.GetAsync(cancellation);
            foreach (var disk in manifest.Disks) opened.Add((await exports.OpenAsync(point.Id, disk.Target, cancellation, point.RepositoryId)).Value);
            var size = new FileVmSize(options.Value.FileVmMemoryMiB, await RunsOnKvmAsync(cancellation));
            var process = await FileVmProcess.StartAsync(runner, boot, sockets, [.. manifest.Disks.Zip(opened, (disk, export) => (disk.Target, export.SocketPath))], size, cancellation);
            vm = new FileVm(process);
            var volumes = await vm.VolumesAsync(cancellation);
            Log.Opened(logger, point.Id, volumes.Count, time.GetElapsedTime(begun).TotalSeconds);
            return new OpenPoint(vm, process.Ended, volumes, opened, point.VmName);
        }
        catch
        {
            if (vm is not null) await vm.DisposeAsync();
            foreach (var export in opened) await export.DisposeAsync();
            throw;
        }
    }

    private async Task<bool> RunsOnKvmAsync(CancellationToken cancellation)
    {
        foreach (var host in (await hosts.ListAsync(Caller.System, new PageQuery(Size: PageQuery.MaxSize), cancellation)).Value.Items)
            if (connections.Get(host.Id).TryGet(out var hypervisor, out _) && hypervisor is { SharesFileSystem: true, IsMock: false } && host.Acceleration is Acceleration.Kvm) return true;
        return false;
    }

    private sealed class Slot
    {
        public int Users { get; set; }
        public DateTimeOffset UsedAt { get; set; }
        public required Task<OpenPoint> Opened { get; init; }

        /// <summary>Whether it did not open, or its VM is gone.</summary>
        public bool IsOver => Opened.IsFaulted || Opened.IsCanceled || (Opened.IsCompletedSuccessfully && Opened.Result.Ended.IsCompleted);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Files of recovery point {Point} can be browsed: {Volumes} volumes, after {Seconds:0.0} s")]
        public static partial void Opened(ILogger logger, Guid point, int volumes, double seconds);

        [LoggerMessage(Level = LogLevel.Information, Message = "Files of recovery point {Point} are closed")]
        public static partial void Closed(ILogger logger, Guid point);
    }
}
