using System.Net.Http.Json;
using System.Text.Json;

namespace Quarterdeck.Bench;

/// <summary>A console with a VM of one disk and a first point of it in a repository of its own; all of it is removed in the end.</summary>
internal sealed class RestoreGround : IAsyncDisposable
{
    private ConsoleUnderTest? _console;
    private string? _vm, _point;

    private RestoreGround()
    {
        // QEMU, which runs as a user of its own, may enter.
        File.SetUnixFileMode(Folder, File.GetUnixFileMode(Folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead | UnixFileMode.GroupExecute | UnixFileMode.GroupRead);
        Disk = new BenchDisk(Folder, BenchDisk.SizeOf(1L << 30));
    }

    /// <summary>Where everything lies.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("qd-bench-restore-").FullName;

    /// <summary>What the point holds.</summary>
    public BenchDisk Disk { get; }

    /// <summary>The VM's own image, qcow2.</summary>
    public string Image => Path.Combine(Folder, "disk.qcow2");

    /// <summary>Makes it.</summary>
    public static async Task<RestoreGround> MakeAsync(CancellationToken cancellation)
    {
        var ground = new RestoreGround();
        try
        {
            await ground.FillAsync(cancellation);
            return ground;
        }
        catch
        {
            await ground.DisposeAsync();
            throw;
        }
    }

    /// <summary>Restores the VM to its point; answers the operation's result.</summary>
    public async Task<JsonElement> RestoreAsync(string mode, CancellationToken cancellation) =>
        (await _console!.OperateAsync(HttpMethod.Post, "restores", JsonContent.Create(new { recoveryPointId = _point, mode, start = false }), cancellation)).GetProperty("result");

    /// <summary>Compares the image with the point.</summary>
    /// <exception cref="InvalidOperationException">They differ.</exception>
    public async Task HoldsAsync(CancellationToken cancellation)
    {
        var held = await Tools.RunAsync("qemu-img", ["compare", "-f", "raw", "-F", "qcow2", Disk.Raw, Image], cancellation);
        if (!held.Output.Contains("identical", StringComparison.Ordinal)) throw new InvalidOperationException($"The restored disk is not the point: {held.Output}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_vm is not null) await _console!.OperateAsync(HttpMethod.Delete, $"vms/{_vm}", null, CancellationToken.None);
        if (_console is not null) await _console.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        await Disk.FillAsync(cancellation);
        await Tools.RunAsync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", Disk.Raw, Image], cancellation);
        _console = await ConsoleUnderTest.StartAsync(cancellation, new Dictionary<string, string> { ["QUARTERDECK_IMAGE_ROOTS"] = Folder });
        var host = (await _console.GetAsync("hosts", cancellation)).GetProperty("items").EnumerateArray().First(h => h.GetProperty("uri").GetString() == "qemu:///system").GetProperty("id").GetString()!;
        using var answer = await _console.Http.PostAsJsonAsync("repositories", new { name = "bench", kind = "local", location = Path.Combine(Folder, "repository") }, cancellation);
        var repository = (await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation)).GetProperty("id").GetString()!;
        var made = await _console.OperateAsync(HttpMethod.Post, "vms", JsonContent.Create(new { name = "qdbench-" + Guid.NewGuid().ToString("N")[..8], hostId = host, vcpus = 1, memoryMiB = 64, disks = new[] { new { sourcePath = Image, format = "qcow2" } } }), cancellation);
        _vm = made.GetProperty("result").GetProperty("vmId").GetString()!;
        var backup = await _console.OperateAsync(HttpMethod.Post, $"vms/{_vm}/actions/backup", JsonContent.Create(new { repositoryId = repository }), cancellation);
        _point = backup.GetProperty("result").GetProperty("recoveryPointId").GetString()!;
    }
}
