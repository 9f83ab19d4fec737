using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Backups.Capture;
using Quarterdeck.Backups.Points;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Backups;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>A VM on the machine's QEMU whose disks the test writes to through QEMU's own monitor, so that what they hold at each moment is known.</summary>
internal sealed partial class BackupLab : IAsyncDisposable
{
    public const string Images = "/var/lib/libvirt/images";
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly TestDatabase _database;
    private readonly string _name;
    private readonly List<string> _files = [];

    private BackupLab(IHypervisorLink hypervisor, TestDatabase database, string name)
    {
        (Hypervisor, _database, _name) = (hypervisor, database, name);
        var options = Options.Create(new BackupsOptions());
        Processes = new ProcessRunner();
        Rooms = new SocketRooms(options, database.Options);
        var images = new ImageTool(Processes);
        Parts = new CaptureParts(Rooms, images, new Checkpoints(images), Processes, TimeProvider.System);
        Points = new PointStore(database.Db, null!, new EventBus(database.Options, TimeProvider.System, NullLogger<EventBus>.Instance), TimeProvider.System);
        Taker = new PointTaker(Parts, new GuestState(options), Points, options);
        Tracking = new ChangeTracking(images, Parts.Checkpoints);
    }

    public IHypervisorLink Hypervisor { get; }
    public ProcessRunner Processes { get; }
    public SocketRooms Rooms { get; }
    public CaptureParts Parts { get; }
    public PointStore Points { get; }
    public PointTaker Taker { get; }
    public ChangeTracking Tracking { get; }
    public TestRepository Repository { get; } = new();
    public Guid Domain { get; private set; }
    public string Name => _name;
    public Guid RepositoryId { get; } = Guid.CreateVersion7();

    /// <summary>What the disks hold, by target.</summary>
    public Dictionary<string, DiskModel> Disks { get; } = [];

    public static async Task<BackupLab> StartAsync(SystemLibvirt libvirt, string name)
    {
        var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        return new BackupLab(await new LibvirtDriver().OpenAsync(SystemLibvirt.Uri, None), database, $"{libvirt.Prefix}-{name}");
    }

    /// <summary>Adds a disk's image before the VM is defined.</summary>
    public async Task<string> AddDiskAsync(string target, int mebibytes, string format = "qcow2", string options = "")
    {
        var path = File($"{target}.{format}");
        await SystemLibvirt.RunAsync("qemu-img", ["create", "-q", "-f", format, .. options.Length > 0 ? ["-o", options] : Array.Empty<string>(), path, $"{mebibytes}M"]);
        Disks[target] = new DiskModel(path, format, (long)mebibytes << 20);
        return path;
    }

    /// <summary>A path that goes with the lab.</summary>
    public string File(string name)
    {
        var path = $"{Images}/{_name}-{name}";
        _files.Add(path);
        return path;
    }

    /// <summary>Defines the VM with the disks, and <paramref name="devices"/> besides.</summary>
    public async Task DefineAsync(string devices = "", string os = "", int memoryMiB = 96)
    {
        var disks = string.Concat(Disks.Select(d => $"<disk type='file' device='disk'><driver name='qemu' type='{d.Value.Format}' discard='unmap'/><source file='{d.Value.Path}'/><target dev='{d.Key}' bus='virtio'/>{(d.Value.ReadOnly ? "<readonly/>" : "")}</disk>"));
        Domain = await Hypervisor.DefineAsync($"<domain type='qemu'><name>{_name}</name>{(Domain == default ? "" : $"<uuid>{Domain}</uuid>")}<memory unit='MiB'>{memoryMiB}</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type>{os}</os><devices>{disks}{devices}<controller type='usb' model='none'/><memballoon model='none'/></devices></domain>", None);
    }

    public Task StartVmAsync() => Hypervisor.StartAsync(Domain, None);

    public Task StopVmAsync() => Hypervisor.DestroyAsync(Domain, None);

    /// <summary>Kills QEMU as the kernel would, and waits until libvirt has noticed.</summary>
    public async Task KillQemuAsync()
    {
        foreach (var target in Disks.Keys) await FlushAsync(target); // else what it holds in memory would be lost with it
        await SystemLibvirt.RunAsync("kill", "-9", (await System.IO.File.ReadAllTextAsync($"/run/libvirt/qemu/{_name}.pid")).Trim());
        await UntilAsync(async () => (await Hypervisor.DomainAsync(Domain, None))!.State is VmState.Off or VmState.Crashed);
    }

    /// <summary>Fills a range of a disk with a byte, as the guest would.</summary>
    public async Task WriteAsync(string target, long offset, int length, byte value)
    {
        await AskAsync(target, $"write -P {value} {offset} {length}");
        Disks[target].Write(offset, length, value);
    }

    private Task FlushAsync(string target) => AskAsync(target, "flush");

    private async Task AskAsync(string target, string command)
    {
        var xml = XElement.Parse(await Hypervisor.XmlAsync(Domain, None));
        var alias = (string)xml.Descendants("disk").First(d => (string?)d.Element("target")?.Attribute("dev") == target).Element("alias")!.Attribute("name")!;
        var answer = await Hypervisor.MonitorAsync(Domain, $"qemu-io -d /machine/peripheral/{alias}/virtio-backend \"{command}\"", human: true, None);
        if (answer.Contains("rror", StringComparison.Ordinal) || answer.Contains("failed", StringComparison.Ordinal)) throw new InvalidOperationException(answer);
    }

    /// <summary>Takes a point.</summary>
    public async Task<PointTaken> TakeAsync(TakeOptions? options = null, TestOperation? operation = null, CancellationToken cancellation = default)
    {
        await using var repository = await Repository.OpenAsync();
        return await Taker.TakeAsync(await LocateAsync(), RepositoryId, repository, options ?? new TakeOptions(TakeKind.Regular), operation ?? new TestOperation(), cancellation);
    }

    /// <summary>The VM as the console would find it.</summary>
    public async Task<LocatedVm> LocateAsync()
    {
        var state = (await Hypervisor.DomainAsync(Domain, None))?.State ?? VmState.Off;
        return new LocatedVm(new Vm(Domain, _name, Guid.Empty, "local", state, true, 1, 96, [], [], [], Acceleration.Emulation, false, [], false), Hypervisor, Domain);
    }

    /// <summary>Every byte of a disk as a point holds it.</summary>
    public async Task<byte[]> ReadPointAsync(Guid point, string target)
    {
        await using var repository = await Repository.OpenAsync();
        return await ReadPointAsync(repository, point, target);
    }

    /// <summary>The same from any repository.</summary>
    public static async Task<byte[]> ReadPointAsync(Quarterdeck.Repositories.Repository repository, Guid point, string target)
    {
        var disk = (await repository.PointAsync(point, None)).ShouldNotBeNull().Disks.Single(d => d.Target == target);
        var bytes = new byte[disk.SizeBytes];
        var buffer = new byte[Quarterdeck.Repositories.Repository.ChunkSize];
        await foreach (var (chunk, id) in repository.OpenIndex(disk.Root, disk.SizeBytes).DataAsync(None))
        {
            await repository.ReadAsync(id, buffer, None);
            var at = chunk * buffer.Length;
            buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes.Length - at)).CopyTo(bytes.AsSpan((int)at));
        }
        return bytes;
    }

    /// <summary>Compares all disks of a point with what they held, byte by byte.</summary>
    public async Task ShouldHoldAsync(Guid point, IReadOnlyDictionary<string, byte[]> expected)
    {
        foreach (var (target, bytes) in expected)
        {
            var held = await ReadPointAsync(point, target);
            held.Length.ShouldBe(bytes.Length, target);
            held.AsSpan().CommonPrefixLength(bytes).ShouldBe(bytes.Length, $"{target} differs at this byte");
        }
    }

    /// <summary>What all disks hold now.</summary>
    public Dictionary<string, byte[]> Content() => Disks.ToDictionary(d => d.Key, d => d.Value.Content());

    /// <summary>Names of the checkpoints that libvirt knows.</summary>
    public async Task<IReadOnlyList<string>> CheckpointsAsync() => [.. (await Hypervisor.CheckpointsAsync(Domain, None)).Select(c => c.Name)];

    /// <summary>Names of the bitmaps in the images while the VM is off.</summary>
    public async Task<IReadOnlyList<string>> BitmapsAsync(string target) => [.. (await Parts.Images.ChainAsync(Disks[target].Path, Disks[target].Format, None))[0].Bitmaps.Select(b => b.Name)];

    /// <summary>No job, no socket, no scratch file, and exactly these checkpoints.</summary>
    public async Task ShouldBeTidyAsync(params IReadOnlyList<Guid> checkpoints)
    {
        (await CheckpointsAsync()).ShouldBe(checkpoints.Select(CheckpointName.Of));
        (await Hypervisor.BackupJobAsync(Domain, None)).ShouldBeNull();
        Directory.EnumerateFiles(Images, "*.scratch").Where(f => _files.Any(mine => f.Contains(mine, StringComparison.Ordinal))).ShouldBeEmpty();
        if (Directory.Exists("/run/quarterdeck")) Directory.EnumerateDirectories("/run/quarterdeck", $"{Environment.ProcessId}-*").ShouldBeEmpty();
    }

    /// <summary>Bytes that QEMU has read from files since it started, as the kernel counts them.</summary>
    public async Task<long> QemuReadBytesAsync()
    {
        var pid = (await System.IO.File.ReadAllTextAsync($"/run/libvirt/qemu/{_name}.pid")).Trim();
        return long.Parse(ReadCount().Match(await System.IO.File.ReadAllTextAsync($"/proc/{pid}/io")).Groups[1].Value);
    }

    public static async Task UntilAsync(Func<Task<bool>> wanted, int seconds = 60)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); !await wanted(); await Task.Delay(30))
            if (DateTime.UtcNow > until) throw new TimeoutException($"It did not happen within {seconds} s.");
    }

    public async ValueTask DisposeAsync()
    {
        if (Domain != default && await Hypervisor.DomainAsync(Domain, None) is { } domain)
        {
            if (domain.State is VmState.Running or VmState.Paused) await Hypervisor.DestroyAsync(Domain, None);
            if (domain.Persistent) await Hypervisor.UndefineAsync(Domain, None);
        }
        Hypervisor.Abandon("The test ends.");
        foreach (var file in _files) System.IO.File.Delete(file);
        Repository.Dispose();
        await _database.DisposeAsync();
    }

    [GeneratedRegex(@"rchar: (\d+)")]
    private static partial Regex ReadCount();
}

/// <summary>A disk as it should be.</summary>
internal sealed class DiskModel(string path, string format, long size)
{
    private byte[] _bytes = new byte[size];

    public string Path { get; set; } = path;

    public string Format => format;

    public bool ReadOnly { get; init; }

    public void Write(long offset, int length, byte value) => _bytes.AsSpan((int)offset, length).Fill(value);

    public void Resize(long to) => Array.Resize(ref _bytes, (int)to);

    public byte[] Content() => [.. _bytes];

    /// <summary>The same disk with another content.</summary>
    public static DiskModel Of(DiskModel disk, byte[] content) => new(disk.Path, disk.Format, content.Length) { _bytes = content };
}
