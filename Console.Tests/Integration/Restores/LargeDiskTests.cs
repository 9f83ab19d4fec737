using System.Globalization;
using System.Net;
using System.Text.Json;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>A sparse disk of 1 TiB with data all over it: what a plan and a restore cost follows what differs, not the disk. The repository is a bucket behind a proxy that counts, and the console a process of its own, so that the kernel can be asked what it held.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class LargeDiskTests(SystemLibvirt libvirt, Xunit.Abstractions.ITestOutputHelper output)
{
    private const long Size = 1L << 40, MiB = 1 << 20;
    private const int Chunk = Repository.ChunkSize, Filled = 600;

    [Fact]
    public async Task Planning_and_restoring_a_disk_of_1_TiB_read_megabytes_and_hold_little()
    {
        var name = $"{libvirt.Prefix}-tib";
        var (disk, then) = ($"{RestoreLab.Images}/{name}.qcow2", $"{RestoreLab.Images}/{name}-then.qcow2");
        await FillAsync(disk);
        await using var bucket = await S3Server.StartAsync();
        await using var wire = new CountingProxy(bucket.Endpoint);
        await using var console = new ConsoleProcess { Settings = { ["QUARTERDECK_IMAGE_ROOTS"] = RestoreLab.Images, ["Quarterdeck__Repositories__AllowPrivateEndpoints"] = "true" } };
        try
        {
            await console.StartAsync();
            var rest = console.Rest;
            var (status, repository) = await rest.SentAsync(HttpMethod.Post, "/repositories", new { name = "lab", kind = "s3", endpoint = wire.Endpoint.ToString(), bucket = S3Server.Bucket, prefix = "tib", region = "us-east-1", accessKey = S3Server.AccessKey, secretKey = S3Server.SecretKey });
            status.ShouldBe(HttpStatusCode.Created, repository.ToString());
            var made = await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, "/vms", new { name, hostId = await rest.LocalHostAsync(), vcpus = 1, memoryMiB = 64, disks = new[] { new { sourcePath = disk, format = "qcow2" } } }));
            var vm = made.GetProperty("result").GetProperty("vmId").GetString();
            async Task<JsonElement> BackUpAsync() => (await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/vms/{vm}/actions/backup", new { repositoryId = repository.GetProperty("id").GetString() }))).GetProperty("result");

            var first = await BackUpAsync();
            first.GetProperty("readBytes").GetInt64().ShouldBe((long)Filled * Chunk, "holes are not read");
            File.Copy(disk, then);
            await WriteAsync(disk, Enumerable.Range(0, 40).Select(i => (Place(i * 14) + (i % 2 == 0 ? 0 : 3 * Chunk), 251))); // every other one where nothing was
            (await BackUpAsync()).GetProperty("readBytes").GetInt64().ShouldBe(40 * Chunk);
            await WriteAsync(disk, Enumerable.Range(0, 10).Select(i => (Place(i * 59 + 5), 252)));

            await File.WriteAllTextAsync($"/proc/{console.Id}/clear_refs", "5"); // the highest mark begins anew
            var (held, before) = (Memory(console, "VmRSS"), wire.Down);
            var request = new { recoveryPointId = first.GetProperty("recoveryPointId").GetString(), mode = "incremental", plan = true };
            var (planned, plan) = await rest.SentAsync(HttpMethod.Post, "/restores", request);
            planned.ShouldBe(HttpStatusCode.OK, plan.ToString());
            plan.GetProperty("refusals").GetArrayLength().ShouldBe(0, plan.ToString());
            var planning = wire.Down - before;
            planning.ShouldBeLessThan(4 * MiB, "the plan");
            var result = (await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, "/restores", request with { plan = false }))).GetProperty("result");
            (result.GetProperty("chunks").GetInt64(), result.GetProperty("readBytes").GetInt64()).ShouldBe((50, 10 * Chunk), result.ToString());
            output.WriteLine($"plan {planning:N0} bytes, restore {wire.Down - before - planning:N0} bytes, of them {result.GetProperty("sentBytes").GetInt64():N0} of chunks; memory {held >> 20} MiB before, {Memory(console, "VmHWM") >> 20} MiB at most");
            (wire.Down - before - planning).ShouldBeLessThan(6 * MiB, "the restore");
            (Memory(console, "VmHWM") - held).ShouldBeLessThan(192 * MiB, "the ids of all chunks alone would take 512 MiB");
            await SystemLibvirt.RunAsync("qemu-img", "compare", "-q", "-f", "qcow2", "-F", "qcow2", disk, then);

            // Another VM from it is as sparse, and the next backup of this one reads what was written since, no byte more.
            var other = (await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, "/restores", new { request.recoveryPointId, mode = "new", name = name + "-2" }))).GetProperty("result");
            other.GetProperty("writtenBytes").GetInt64().ShouldBe((long)Filled * Chunk, other.ToString());
            var copy = (await rest.GetAsync($"/vms/{other.GetProperty("vmId").GetString()}")).GetProperty("disks")[0].GetProperty("path").GetString()!;
            await SystemLibvirt.RunAsync("qemu-img", "compare", "-q", "-f", "qcow2", "-F", "qcow2", copy, then);
            await WriteAsync(disk, [(Place(577), 253)]);
            var next = await BackUpAsync();
            (next.GetProperty("kind").GetString(), next.GetProperty("readBytes").GetInt64()).ShouldBe(("incremental", Chunk));
        }
        finally
        {
            LocalLibvirt.Remove(name);
            foreach (var file in Directory.EnumerateFiles(RestoreLab.Images, $"*{name}*")) File.Delete(file);
        }
    }

    /// <summary>Makes the disk, with chunks that do not compress.</summary>
    private static async Task FillAsync(string disk)
    {
        var raw = disk + ".raw";
        using (var file = File.OpenHandle(raw, FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, Size);
            for (var i = 0; i < Filled; i++) RandomAccess.Write(file, TestRepository.Chunk(i), Place(i));
        }
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk);
        File.Delete(raw);
    }

    // About every 1.7 GiB, each in another leaf of the index.
    private static long Place(int i) => Size / Filled * i / Chunk * Chunk + i % 50 * (long)Chunk;

    /// <summary>Fills chunks with a byte each, in one run of the tool; the disk's bitmap records it.</summary>
    private static Task WriteAsync(string disk, IEnumerable<(long Offset, int Value)> chunks) =>
        SystemLibvirt.RunAsync("qemu-io", ["-f", "qcow2", .. chunks.SelectMany(c => new[] { "-c", string.Create(CultureInfo.InvariantCulture, $"write -q -P {c.Value} {c.Offset} {Chunk}") }), disk]);

    /// <summary>What the kernel says that the console holds, or held at most.</summary>
    private static long Memory(ConsoleProcess console, string field) =>
        long.Parse(File.ReadLines($"/proc/{console.Id}/status").First(l => l.StartsWith(field + ":", StringComparison.Ordinal)).Split([':', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
}
