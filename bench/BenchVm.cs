using System.Net.Http.Json;
using System.Text.Json;

namespace Quarterdeck.Bench;

/// <summary>The VM whose disk is restored; removed in the end.</summary>
internal sealed class BenchVm(ConsoleUnderTest console, string id, string point) : IAsyncDisposable
{
    /// <summary>A folder that QEMU, which runs as a user of its own, may enter.</summary>
    public static string Folder()
    {
        var folder = Directory.CreateTempSubdirectory("qd-bench-restore-").FullName;
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead | UnixFileMode.GroupExecute | UnixFileMode.GroupRead);
        return folder;
    }

    /// <summary>Makes it of an image, and a first point of it in a repository of its own.</summary>
    public static async Task<BenchVm> MakeAsync(ConsoleUnderTest console, string folder, string image, CancellationToken cancellation)
    {
        var host = (await console.GetAsync("hosts", cancellation)).GetProperty("items").EnumerateArray().First(h => h.GetProperty("uri").GetString() == "qemu:///system").GetProperty("id").GetString()!;
        using var answer = await console.Http.PostAsJsonAsync("repositories", new { name = "bench", kind = "local", location = Path.Combine(folder, "repository") }, cancellation);
        var repository = (await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation)).GetProperty("id").GetString()!;
        var made = await console.OperateAsync(HttpMethod.Post, "vms", JsonContent.Create(new { name = "qdbench-" + Guid.NewGuid().ToString("N")[..8], hostId = host, vcpus = 1, memoryMiB = 64, disks = new[] { new { sourcePath = image, format = "qcow2" } } }), cancellation);
        var id = made.GetProperty("result").GetProperty("vmId").GetString()!;
        var backup = await console.OperateAsync(HttpMethod.Post, $"vms/{id}/actions/backup", JsonContent.Create(new { repositoryId = repository }), cancellation);
        return new BenchVm(console, id, backup.GetProperty("result").GetProperty("recoveryPointId").GetString()!);
    }

    /// <summary>Restores it to its point; answers the operation's result.</summary>
    public async Task<JsonElement> RestoreAsync(ConsoleUnderTest with, string mode, CancellationToken cancellation) =>
        (await with.OperateAsync(HttpMethod.Post, "restores", JsonContent.Create(new { recoveryPointId = point, mode, start = false }), cancellation)).GetProperty("result");

    public async ValueTask DisposeAsync() => await console.OperateAsync(HttpMethod.Delete, $"vms/{id}", null, CancellationToken.None);
}
