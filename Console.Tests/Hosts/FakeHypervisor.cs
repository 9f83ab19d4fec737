using System.Collections.Concurrent;
using System.Xml;
using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;

namespace Quarterdeck.Tests.Hosts;

/// <summary>A hypervisor in memory that behaves as libvirt does; passes the same contract.</summary>
internal sealed partial class FakeHypervisor : IHypervisorLink
{
    private readonly ConcurrentDictionary<Guid, Domain> _domains = new();
    private readonly ConcurrentDictionary<string, VolumeInfo> _volumes = new();
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool SharesFileSystem { get; init; }
    public bool IsMock { get; init; } = true;
    public DomainChanges Changes { get; } = new();
    public Task<string> Closed => _closed.Task;

    /// <summary>What was uploaded into volumes, by path.</summary>
    public ConcurrentDictionary<string, byte[]> Contents { get; } = new();

    /// <summary>Paths of all volumes.</summary>
    public IReadOnlyCollection<string> Volumes => [.. _volumes.Keys];

    /// <summary>What libvirt's networks gave out.</summary>
    public IReadOnlyList<GuestLease> Leases { get; set; } = [];

    /// <summary>libvirt's networks.</summary>
    public IReadOnlyList<NetworkInfo> Networks { get; set; } = [];

    /// <summary>Answers for QEMU's monitor.</summary>
    public Func<string, string>? Monitor { get; set; }

    /// <summary>Whether it has UEFI firmware.</summary>
    public bool Uefi { get; set; } = true;

    /// <summary>No call answers while it is set.</summary>
    public volatile bool Hung;

    public int Pings;

    /// <summary>As when the service closes the connection.</summary>
    public void Close(string reason) => _closed.TrySetResult(reason);

    public void Abandon(string reason) => _closed.TrySetResult(reason);

    public async Task PingAsync(TimeSpan limit, CancellationToken cancellation)
    {
        Interlocked.Increment(ref Pings);
        var begun = DateTime.UtcNow;
        while (Hung)
        {
            if (DateTime.UtcNow - begun > limit) throw new HypervisorException(HypervisorError.TimedOut, "ping", "No answer.");
            await Task.Delay(10, cancellation);
        }
        Check();
    }

    public Task<HypervisorInfo> InfoAsync(CancellationToken cancellation) => On(() => new HypervisorInfo("TEST", "1.0.0", "9.0.0", 4, 8192, "fake"), cancellation);
    public Task<bool> HasUefiAsync(CancellationToken cancellation) => On(() => Uefi, cancellation);
    public Task<IReadOnlyList<DomainRecord>> DomainsAsync(CancellationToken cancellation) => On<IReadOnlyList<DomainRecord>>(() => [.. _domains.Values.Select(d => d.Record)], cancellation);
    public Task<DomainRecord?> DomainAsync(Guid uuid, CancellationToken cancellation) => On(() => _domains.GetValueOrDefault(uuid)?.Record, cancellation);
    public Task<DomainRecord?> DomainAsync(string name, CancellationToken cancellation) => On(() => _domains.Values.FirstOrDefault(d => d.Record.Name == name)?.Record, cancellation);
    public Task<IReadOnlyList<DomainCounters>> CountersAsync(CancellationToken cancellation) => On<IReadOnlyList<DomainCounters>>(() => [], cancellation);

    public Task<Guid> DefineAsync(string xml, CancellationToken cancellation) => On(() =>
    {
        var (uuid, name) = Read(xml);
        if (_domains.Values.Any(d => d.Record.Name == name && d.Record.Uuid != uuid)) throw new HypervisorException(HypervisorError.Exists, "define", "It exists.");
        var before = _domains.GetValueOrDefault(uuid)?.Record;
        _domains[uuid] = new Domain(new DomainRecord(uuid, name, before?.State ?? VmState.Off, true, before?.Autostart ?? false, xml, new Dictionary<string, long>()));
        Changes.Add(uuid);
        return uuid;
    }, cancellation);

    public Task StartAsync(Guid uuid, CancellationToken cancellation, bool paused = false) => Move(uuid, paused ? VmState.Paused : VmState.Running, cancellation, VmState.Off, VmState.Crashed);
    public Task<Guid> StartTransientAsync(string xml, CancellationToken cancellation) => throw new HypervisorException(HypervisorError.Unsupported, "start", "Not here.");

    /// <summary>How long guests take to shut down; nothing unless set.</summary>
    public TimeSpan ShutdownTakes { get; set; }

    /// <summary>The shutdown that is under way.</summary>
    public Task ShuttingDown { get; private set; } = Task.CompletedTask;

    public Task ShutdownAsync(Guid uuid, CancellationToken cancellation)
    {
        if (ShutdownTakes == default) return Move(uuid, VmState.Off, cancellation, VmState.Running);
        ShuttingDown = Task.Delay(ShutdownTakes, CancellationToken.None).ContinueWith(_ => Move(uuid, VmState.Off, CancellationToken.None, VmState.Running), TaskScheduler.Default).Unwrap();
        return Task.CompletedTask;
    }

    public Task DestroyAsync(Guid uuid, CancellationToken cancellation) => Move(uuid, VmState.Off, cancellation, VmState.Running, VmState.Paused);
    public Task RebootAsync(Guid uuid, CancellationToken cancellation) => Move(uuid, VmState.Running, cancellation, VmState.Running);
    public Task PauseAsync(Guid uuid, CancellationToken cancellation) => Move(uuid, VmState.Paused, cancellation, VmState.Running);
    public Task ResumeAsync(Guid uuid, CancellationToken cancellation) => Move(uuid, VmState.Running, cancellation, VmState.Paused);

    /// <summary>VMs whose memory was saved.</summary>
    public HashSet<Guid> Saved { get; } = [];

    public Task<bool> HasSavedStateAsync(Guid uuid, CancellationToken cancellation) => On(() => Get(uuid) is not null && Saved.Contains(uuid), cancellation);
    public Task DropSavedStateAsync(Guid uuid, CancellationToken cancellation) => On(() => Get(uuid) is not null && Saved.Remove(uuid), cancellation);

    public Task UndefineAsync(Guid uuid, CancellationToken cancellation) => On(() =>
    {
        if (!_domains.TryRemove(uuid, out _)) throw Missing();
        Changes.Add(uuid);
        return true;
    }, cancellation);

    public Task<string> XmlAsync(Guid uuid, CancellationToken cancellation, bool inactive = false, bool secrets = false) => On(() => Get(uuid).Record.Xml, cancellation);
    public Task SetVcpusAsync(Guid uuid, int count, bool live, CancellationToken cancellation) => Edit(uuid, x => x.SetElementValue("vcpu", count), cancellation);
    public Task SetMemoryAsync(Guid uuid, long mebibytes, bool live, CancellationToken cancellation) => Edit(uuid, x => x.SetElementValue("memory", mebibytes * 1024), cancellation);

    public Task SetAutostartAsync(Guid uuid, bool autostart, CancellationToken cancellation) => On(() =>
    {
        Get(uuid).Record = Get(uuid).Record with { Autostart = autostart };
        return true;
    }, cancellation);

    public Task RenameAsync(Guid uuid, string name, CancellationToken cancellation) => On(() =>
    {
        Get(uuid).Record = Get(uuid).Record with { Name = name };
        Changes.Add(uuid);
        return true;
    }, cancellation);

    public Task UpdateDeviceAsync(Guid uuid, string deviceXml, CancellationToken cancellation) => On(() => Get(uuid), cancellation);
    public Task<IReadOnlyList<VmSnapshot>> SnapshotsAsync(Guid uuid, CancellationToken cancellation) => On<IReadOnlyList<VmSnapshot>>(() => [.. Get(uuid).Snapshots], cancellation);

    public Task CreateSnapshotAsync(Guid uuid, string name, string description, CancellationToken cancellation) => On(() =>
    {
        if (Get(uuid).Snapshots.Any(s => s.Name == name)) throw new HypervisorException(HypervisorError.Exists, "snapshot", "It exists.");
        Get(uuid).Snapshots.Add(new VmSnapshot(name, description, DateTimeOffset.UtcNow, Get(uuid).Record.State, Get(uuid).Snapshots.LastOrDefault()?.Name, true));
        return true;
    }, cancellation);

    public Task RevertSnapshotAsync(Guid uuid, string name, CancellationToken cancellation) => On(() =>
    {
        var snapshot = Get(uuid).Snapshots.FirstOrDefault(s => s.Name == name) ?? throw Missing();
        Get(uuid).Record = Get(uuid).Record with { State = snapshot.State };
        return true;
    }, cancellation);

    public Task ForgetSnapshotAsync(Guid uuid, string name, CancellationToken cancellation) => DeleteSnapshotAsync(uuid, name, cancellation);

    public Task DeleteSnapshotAsync(Guid uuid, string name, CancellationToken cancellation) => On(() => Get(uuid).Snapshots.RemoveAll(s => s.Name == name) > 0 ? true : throw Missing(), cancellation);
    public Task<IReadOnlyList<PoolInfo>> PoolsAsync(CancellationToken cancellation) => On<IReadOnlyList<PoolInfo>>(() => [Pool], cancellation);
    public Task<PoolInfo> EnsurePoolAsync(string? name, CancellationToken cancellation) => On(() => name is null or "default" ? Pool : throw Missing(), cancellation);

    public Task<VolumeInfo> CreateVolumeAsync(NewVolume volume, CancellationToken cancellation) => On(() =>
    {
        if (volume.Backing is { } under && !_volumes.ContainsKey(under.Path)) throw Missing();
        var made = new VolumeInfo(volume.Pool, volume.Name, $"{Pool.Path}/{volume.Name}", volume.Format, volume.CapacityBytes, 0);
        return _volumes.TryAdd(made.Path, made) ? made : throw new HypervisorException(HypervisorError.Exists, "create", "It exists.");
    }, cancellation);

    public Task<VolumeInfo?> VolumeAsync(string path, CancellationToken cancellation) => On(() => _volumes.GetValueOrDefault(path), cancellation);
    public Task<VolumeInfo?> VolumeAsync(string pool, string name, CancellationToken cancellation) => On(() => _volumes.GetValueOrDefault($"{Pool.Path}/{name}"), cancellation);
    public Task<bool> DeleteVolumeAsync(string path, CancellationToken cancellation) => On(() => _volumes.TryRemove(path, out _) && (Contents.TryRemove(path, out _) || true), cancellation);
    public Task MergeOverlayAsync(Guid uuid, string overlay, string under, CancellationToken cancellation) => On(() =>
    {
        var xml = XElement.Parse(Get(uuid).Record.Xml);
        if (xml.Descendants("source").FirstOrDefault(s => (string?)s.Attribute("file") == overlay) is not { } source) return true;
        if (Get(uuid).Record.State is not VmState.Running) throw new HypervisorException(HypervisorError.WrongState, "merge", "It is off.");
        source.SetAttributeValue("file", under);
        if (Contents.TryGetValue(overlay, out var written)) Contents[under] = written;
        Get(uuid).Record = Get(uuid).Record with { Xml = xml.ToString() };
        return true;
    }, cancellation);
    public Task UploadVolumeAsync(string path, Stream content, long length, CancellationToken cancellation) => On(() =>
    {
        if (!_volumes.ContainsKey(path)) throw Missing();
        var bytes = new byte[length];
        content.ReadExactly(bytes);
        Contents[path] = bytes;
        return true;
    }, cancellation);
    public Task<IReadOnlyList<NetworkInfo>> NetworksAsync(CancellationToken cancellation) => On<IReadOnlyList<NetworkInfo>>(() => [.. Networks], cancellation);
    public Task StartNetworkAsync(string name, CancellationToken cancellation) => throw Missing();
    public Task<IReadOnlyList<GuestLease>> LeasesAsync(Guid uuid, CancellationToken cancellation) => On<IReadOnlyList<GuestLease>>(() => Get(uuid).Record.State is VmState.Running ? [.. Leases] : [], cancellation);
    public Task<Stream> OpenGraphicsAsync(Guid uuid, CancellationToken cancellation) => throw new HypervisorException(HypervisorError.Unsupported, "open", "Not here.");
    public Task<byte[]> ScreenshotAsync(Guid uuid, CancellationToken cancellation) => throw new HypervisorException(HypervisorError.Unsupported, "shoot", "Not here.");
    public Task<string> MonitorAsync(Guid uuid, string command, bool human, CancellationToken cancellation) =>
        On(() => Monitor?.Invoke(command) ?? throw new HypervisorException(HypervisorError.Unsupported, "ask", "Not here."), cancellation);

    private static PoolInfo Pool { get; } = new("default", "dir", "/fake", true, 1L << 40, 1L << 40);

    private static (Guid, string) Read(string xml)
    {
        try
        {
            var root = XElement.Parse(xml);
            return (Guid.Parse((string?)root.Element("uuid") ?? Guid.NewGuid().ToString()), (string?)root.Element("name") ?? throw new XmlException());
        }
        catch (XmlException e) { throw new HypervisorException(HypervisorError.Invalid, "define", "Bad XML.", e); }
    }

    private Domain Get(Guid uuid) => _domains.GetValueOrDefault(uuid) ?? throw Missing();

    private Task Move(Guid uuid, VmState to, CancellationToken cancellation, params VmState[] from) => On(() =>
    {
        if (!from.Contains(Get(uuid).Record.State)) throw new HypervisorException(HypervisorError.WrongState, "move", "Not in this state.");
        Get(uuid).Record = Get(uuid).Record with { State = to };
        Changes.Add(uuid);
        return true;
    }, cancellation);

    private Task Edit(Guid uuid, Action<XElement> edit, CancellationToken cancellation) => On(() =>
    {
        var xml = XElement.Parse(Get(uuid).Record.Xml);
        edit(xml);
        Get(uuid).Record = Get(uuid).Record with { Xml = xml.ToString() };
        return true;
    }, cancellation);

    private async Task<T> On<T>(Func<T> answer, CancellationToken cancellation)
    {
        while (Hung && !_closed.Task.IsCompleted) await Task.Delay(10, cancellation);
        Check();
        return answer();
    }

    private void Check()
    {
        if (_closed.Task.IsCompleted) throw new HypervisorException(HypervisorError.Disconnected, "call", _closed.Task.Result);
    }

    private static HypervisorException Missing() => new(HypervisorError.NotFound, "find", "There is none.");

    private sealed class Domain(DomainRecord record)
    {
        public DomainRecord Record { get; set; } = record;
        public List<VmSnapshot> Snapshots { get; } = [];
    }
}

/// <summary>Opens fakes by URI; a test may make opening fail or hang.</summary>
internal sealed class FakeDriver : IHypervisorDriver
{
    public ConcurrentDictionary<string, FakeHypervisor> Hypervisors { get; } = new();
    public ConcurrentDictionary<string, string> Refusals { get; } = new();
    public ConcurrentQueue<(string Uri, DateTime At)> Attempts { get; } = new();

    public Task<IHypervisorLink> OpenAsync(string uri, CancellationToken cancellation)
    {
        Attempts.Enqueue((uri, DateTime.UtcNow));
        if (Refusals.TryGetValue(uri, out var why)) throw new HypervisorException(HypervisorError.Disconnected, "connect", why);
        var link = Hypervisors.AddOrUpdate(uri, _ => new FakeHypervisor(), (_, old) => old.Closed.IsCompleted ? new FakeHypervisor() : old);
        return Task.FromResult<IHypervisorLink>(link);
    }
}
