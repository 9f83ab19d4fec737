using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>A console on the machine's libvirt with a repository, and a VM without a guest: its disks are written by the test alone, so that what they hold at each moment is known.</summary>
internal sealed class RestoreLab : IAsyncDisposable
{
    public const string Images = "/var/lib/libvirt/images";
    private static readonly Caller Admin = new(CallerKind.User, Guid.NewGuid(), "ann", Role.Administrator);
    private readonly TestConsole? _console;
    private bool _lent;

    private RestoreLab(RestClient rest, string name, TestConsole? console) => (Rest, Name, _console) = (rest, name, console);

    public RestClient Rest { get; }
    public string Name { get; }
    public string HostId { get; private set; } = "";
    public string RepositoryId { get; private set; } = "";
    public string RepositoryFolder { get; private set; } = "";
    public string VmId { get; set; } = "";
    public TestConsole Console => _console!;
    public IServiceProvider Services => _console!.App.Services;

    /// <summary>What each disk holds, by target: path, format, and every byte.</summary>
    public Dictionary<string, LabDisk> Disks { get; } = [];

    /// <summary>Starts a console in this process.</summary>
    /// <param name="libvirt">The machine's.</param>
    /// <param name="name">Of the VM, behind the run's prefix.</param>
    /// <param name="data">A data folder that stays, and the VM with it; null to remove all in the end.</param>
    /// <param name="holdAt">Where an operation stands still, such as <c>vm.restore/write@end</c>.</param>
    /// <param name="more">Further settings.</param>
    public static async Task<RestoreLab> StartAsync(SystemLibvirt libvirt, string name, string? data = null, string? holdAt = null, IReadOnlyDictionary<string, string>? more = null)
    {
        var settings = new Dictionary<string, string> { ["Quarterdeck:Hosts:FirstHost"] = SystemLibvirt.Uri, ["QUARTERDECK_IMAGE_ROOTS"] = Images };
        if (holdAt is not null) settings["Quarterdeck:Operations:HoldAt"] = holdAt;
        foreach (var (key, value) in more ?? new Dictionary<string, string>()) settings[key] = value;
        var console = await TestConsole.StartAsync(settings, data: data);
        var lab = new RestoreLab(new RestClient(console.Url, TestConsole.Token), $"{libvirt.Prefix}-{name}", console);
        await lab.PrepareAsync(console.Data);
        return lab;
    }

    /// <summary>Adds another repository, which is used from then on.</summary>
    public async Task UseRepositoryAsync(object repository)
    {
        var (status, added) = await Rest.SentAsync(HttpMethod.Post, "/repositories", repository);
        status.ShouldBe(HttpStatusCode.Created, added.ToString());
        (RepositoryId, RepositoryFolder) = (added.GetProperty("id").GetString()!, added.GetProperty("location").GetString()!);
    }

    /// <summary>Lets the console see points that it did not make itself.</summary>
    public async Task RereadAsync() => (await Services.GetRequiredService<RecoveryPoints>().RereadAsync(Admin, Guid.Parse(RepositoryId), default)).Problem.ShouldBeNull();

    /// <summary>A client of this console with another token.</summary>
    public RestClient As(string token) => new(_console!.Url, token);

    /// <summary>Goes on with the VM of a lab that is gone: only what its disks held is known.</summary>
    public void Inherit(RestoreLab lost)
    {
        VmId = lost.VmId;
        foreach (var (target, disk) in lost.Disks) Disks[target] = disk;
    }

    /// <summary>The same VM, with another console that has the same data.</summary>
    public RestoreLab On(ConsoleProcess console)
    {
        var other = new RestoreLab(console.Rest, Name, null) { HostId = HostId, RepositoryId = RepositoryId, RepositoryFolder = RepositoryFolder, VmId = VmId };
        foreach (var (target, disk) in Disks) other.Disks[target] = disk;
        _lent = true;
        return other;
    }

    /// <summary>Makes the VM with disks of so many MiB, filled with bytes by seed.</summary>
    public async Task MakeVmAsync(params (string Target, string Format, int Mebibytes)[] disks)
    {
        foreach (var (target, format, mebibytes) in disks)
        {
            var disk = Disks[target] = new LabDisk($"{Images}/{Name}-{target}.{format}", format, new byte[(long)mebibytes << 20]);
            await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", format, disk.Path, $"{mebibytes}M");
            for (var at = 0; at < disk.Content.Length; at += 4 << 20) await WriteAsync(target, at, 3 << 20, at + target[^1]); // the rest of each 4 MiB stays empty
        }
        var made = await Rest.SucceededAsync(await Rest.AcceptedAsync(HttpMethod.Post, "/vms", new { name = Name, hostId = HostId, vcpus = 1, memoryMiB = 64, disks = Disks.Values.Select(d => new { sourcePath = d.Path, format = d.Format }) }));
        VmId = made.GetProperty("result").GetProperty("vmId").GetString()!;
    }

    /// <summary>Writes a range while the VM is off, as bytes that do not compress; a bitmap in the image records it.</summary>
    public async Task WriteAsync(string target, long offset, int length, int seed)
    {
        var disk = Disks[target];
        new Random(seed).NextBytes(disk.Content.AsSpan((int)offset, length));
        var source = Path.GetTempFileName();
        await File.WriteAllBytesAsync(source, disk.Content.AsMemory((int)offset, length));
        await SystemLibvirt.RunAsync("qemu-io", "-f", disk.Format, "-c", $"write -s {source} {offset} {length}", disk.Path);
        File.Delete(source);
    }

    /// <summary>Empties a range while the VM is off.</summary>
    public async Task ZeroAsync(string target, long offset, int length)
    {
        Disks[target].Content.AsSpan((int)offset, length).Clear();
        await SystemLibvirt.RunAsync("qemu-io", "-f", Disks[target].Format, "-c", $"write -z {offset} {length}", Disks[target].Path);
    }

    /// <summary>Backs the VM up; answers the operation's result.</summary>
    public async Task<LabPoint> BackUpAsync()
    {
        var operation = (await Services.GetRequiredService<RecoveryPoints>().BackUpAsync(Admin, new NewBackup(Guid.Parse(VmId), Guid.Parse(RepositoryId)), default)).Value;
        var result = (await Rest.SucceededAsync(operation.ToString())).GetProperty("result");
        return new LabPoint(result.GetProperty("recoveryPointId").GetGuid(), result.GetProperty("kind").GetString()!, result.GetProperty("readBytes").GetInt64());
    }

    /// <summary>Asks for a restore; answers the operation's id.</summary>
    public Task<string> RestoreAsync(Guid point, string mode = "incremental", object? more = null)
    {
        var body = JsonSerializer.SerializeToNode(new { recoveryPointId = point, mode, shutdownSeconds = mode == "new" ? (int?)null : 0 }, Web)!.AsObject();
        if (more is not null)
            foreach (var (key, value) in JsonSerializer.SerializeToNode(more, Web)!.AsObject()) body[key] = value?.DeepClone();
        return Rest.AcceptedAsync(HttpMethod.Post, "/restores", body);
    }

    /// <summary>Restores, and it must succeed; answers the result.</summary>
    public async Task<JsonElement> RestoredAsync(Guid point, string mode = "incremental", object? more = null) =>
        (await Rest.SucceededAsync(await RestoreAsync(point, mode, more))).GetProperty("result");

    /// <summary>Changes the VM's definition past the console, as another tool would.</summary>
    public async Task RedefineAsync(Action<XElement> change)
    {
        var file = Path.GetTempFileName();
        var xml = XElement.Parse(await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "dumpxml", "--inactive", "--domain", Name));
        change(xml);
        await File.WriteAllTextAsync(file, xml.ToString());
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "define", file);
        File.Delete(file);
    }

    /// <summary>Waits until an operation has begun a step.</summary>
    public async Task StepAsync(string operation, string key)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); ; await Task.Delay(30))
        {
            var now = await Rest.GetAsync($"/operations/{operation}");
            if (now.GetProperty("steps").EnumerateArray().Any(s => s.GetProperty("key").GetString() == key)) return;
            if (now.GetProperty("endedAt").ValueKind != JsonValueKind.Null || DateTime.UtcNow > until) throw new TimeoutException($"Step {key} was not reached: {now} {await Rest.GetAsync($"/operations/{operation}/log")}");
        }
    }

    /// <summary>Id of the VM that an operation is about.</summary>
    public async Task<string> TargetAsync(string operation) => (await Rest.GetAsync($"/operations/{operation}")).GetProperty("target").GetString()!.Split(':')[1];

    /// <summary>A copy of what all disks hold now.</summary>
    public Dictionary<string, byte[]> Contents() => Disks.ToDictionary(d => d.Key, d => (byte[])d.Value.Content.Clone());

    /// <summary>Compares the images with what they should hold, bit by bit; the VM is off.</summary>
    public async Task ShouldHoldAsync(IReadOnlyDictionary<string, byte[]> expected, Func<string, string>? pathOf = null)
    {
        foreach (var (target, bytes) in expected)
        {
            var disk = Disks[target];
            var path = pathOf?.Invoke(target) ?? disk.Path;
            var raw = Path.GetTempFileName();
            await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", disk.Format, "-O", "raw", path, raw);
            var held = await File.ReadAllBytesAsync(raw);
            File.Delete(raw);
            held.Length.ShouldBe(bytes.Length, target);
            held.AsSpan().CommonPrefixLength(bytes).ShouldBe(bytes.Length, $"{target} differs at this byte");
            if (pathOf is null) Array.Copy(bytes, disk.Content, bytes.Length);
        }
    }

    /// <summary>Nothing of a restore is left beside the disks.</summary>
    public void ShouldBeTidy() => Directory.EnumerateFiles(Images, $"*{Name}*").Where(f => f.Contains(".restor", StringComparison.Ordinal) || f.EndsWith(".replaced", StringComparison.Ordinal)).ShouldBeEmpty();

    /// <summary>Waits for something.</summary>
    public static async Task UntilAsync(Func<Task<bool>> wanted, int seconds = 60)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); !await wanted(); await Task.Delay(50))
            if (DateTime.UtcNow > until) throw new TimeoutException($"It did not happen within {seconds} s.");
    }

    public async Task<string> StateAsync() => (await Rest.GetAsync($"/vms/{VmId}")).GetProperty("state").GetString()!;

    public async ValueTask DisposeAsync()
    {
        if (_console is not null)
        {
            Rest.Dispose();
            await _console.DisposeAsync();
        }
        if (!_lent) RemoveAll();
    }

    /// <summary>Removes the VM and everything named after it.</summary>
    public void RemoveAll()
    {
        LocalLibvirt.Remove(Name);
        foreach (var file in Directory.EnumerateFiles(Images, $"*{Name}*")) File.Delete(file);
    }

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web) { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private async Task PrepareAsync(string data)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); !await Rest.IsReadyAsync(); await Task.Delay(50))
            if (DateTime.UtcNow > until) throw new TimeoutException(await Rest.ReadinessAsync());
        HostId = await Rest.LocalHostAsync();
        RepositoryFolder = Path.Combine(data, "lab-repository");
        var (status, added) = await Rest.SentAsync(HttpMethod.Post, "/repositories", new { name = "lab", kind = "local", location = RepositoryFolder });
        status.ShouldBe(HttpStatusCode.Created, added.ToString());
        RepositoryId = added.GetProperty("id").GetString()!;
    }
}

/// <summary>A disk as it should be.</summary>
internal sealed record LabDisk(string Path, string Format, byte[] Content);

/// <summary>A backup just made.</summary>
internal sealed record LabPoint(Guid Id, string Kind, long ReadBytes);
