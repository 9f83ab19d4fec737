using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;

namespace Quarterdeck.Bench;

/// <summary>Backups of a running VM: what an incremental one reads, what one without changes costs on a small and on a large disk, and a full one beside restic on the same bytes.</summary>
internal sealed partial class BackupBenchmark : IBenchmark
{
    private const int MiB = 1 << 20, Chunk = 65536, Rounds = 5, FullRounds = 3;
    private static readonly int Times = (int)BenchDisk.SizeOf(1);
    private static readonly int DataMiB = 768 * Times;
    private readonly string _run = "qdbench" + Guid.NewGuid().ToString("N")[..8];

    public string Name => "backup";

    public string Description => "bytes read by incremental backups, backups without changes, and a full backup against restic; --long: 8 GiB rather than 1 GiB";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("qd-bench-backup-").FullName;
        try
        {
            await using var console = await ConsoleUnderTest.StartAsync(cancellation);
            var repository = (await console.GetAsync("repositories", cancellation)).GetProperty("items")[0].GetProperty("id").GetString()!;
            var raw = Path.Combine(folder, "data.raw");
            await FillAsync(raw, cancellation);
            var filled = await StartVmAsync("filled", null, raw);
            var (small, large) = (await StartVmAsync("small", "1G", null), await StartVmAsync("large", "16G", null));
            foreach (var vm in new[] { filled, small, large }) await KnownAsync(console, vm.Id, cancellation);

            var program = await Tools.ResticAsync(Path.Combine(folder, "restic-package"), cancellation);
            // Turn by turn, each into a repository of its own, so that whatever else the machine does meets both.
            var (full, restic, version) = (new List<double>(), new List<double>(), "");
            for (var i = 0; i < FullRounds; i++)
            {
                full.Add((await BackUpAsync(console, filled.Id, await NewRepositoryAsync(console, Path.Combine(folder, $"ours-{i}"), cancellation), cancellation)).Seconds);
                (var seconds, version) = await ResticAsync(program, Path.Combine(folder, $"restic-{i}"), raw, cancellation);
                restic.Add(seconds);
                Console.Error.WriteLine($"full: {full[^1]:0.00} s, {version}: {seconds:0.00} s");
            }
            var peak = PeakBytes(console.ProcessId);
            foreach (var vm in new[] { filled, small, large }) await BackUpAsync(console, vm.Id, repository, cancellation);
            List<Figure> figures =
            [
                new($"full backup of {DataMiB} MiB", "s", Median(full), version, Median(restic), (product, peer) => product * 1.5 <= peer, "at least 1.5 times faster"),
                new("memory of the whole console meanwhile", "MiB", peak / (double)MiB, "allowed", 512, (product, peer) => product <= peer, "at most 512 MiB"),
            ];
            foreach (var (name, writes) in Changes())
            {
                foreach (var (offset, length) in writes) await WriteAsync(filled.Name, offset, length);
                var changed = writes.SelectMany(w => Enumerable.Range(0, (int)((w.Offset % Chunk + w.Length + Chunk - 1) / Chunk)).Select(i => w.Offset / Chunk + i)).Distinct().Count();
                var backup = await BackUpAsync(console, filled.Id, repository, cancellation);
                figures.Add(new($"bytes read, {name}", "MiB", backup.ReadBytes / (double)MiB, "changed blocks of 64 KiB", changed * (double)Chunk / MiB, (product, peer) => product <= peer * 1.05, "at most 1.05 times"));
            }
            var (few, many) = (new List<double>(), new List<double>());
            for (var i = 0; i < Rounds; i++)
            {
                few.Add((await BackUpAsync(console, small.Id, repository, cancellation)).Seconds);
                many.Add((await BackUpAsync(console, large.Id, repository, cancellation)).Seconds);
            }
            figures.Add(new("backup of 16 GiB without changes", "s", Median(many), "the same of 1 GiB", Median(few), (product, peer) => product <= peer * 1.3, "at most 1.3 times"));
            return figures;
        }
        finally
        {
            foreach (var name in new[] { "filled", "small", "large" }) await RemoveVmAsync(name);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<(string Name, IReadOnlyList<(long Offset, int Length)> Writes)> Changes()
    {
        var random = new Random(5);
        yield return ("1 % in one piece", [(100L * MiB + 4096, 10 * MiB * Times)]);
        yield return ("5 % in one piece", [(300L * MiB, 51 * MiB * Times)]);
        yield return ("400 random writes of 4 KiB", [.. Enumerable.Range(0, 400).Select(_ => (random.NextInt64(DataMiB * (long)MiB / 4096) * 4096, 4096))]);
    }

    // Half of it does not compress, half compresses to a third or so, as text and programs do.
    private static async Task FillAsync(string path, CancellationToken cancellation)
    {
        await using var file = File.Create(path);
        var random = new Random(1);
        var block = new byte[MiB];
        for (var i = 0; i < DataMiB; i++)
        {
            random.NextBytes(block);
            if (i % 2 == 1)
                for (var at = 0; at < block.Length; at += 48) block.AsSpan(at, Math.Min(32, block.Length - at)).Fill((byte)(at / 48 % 7));
            await file.WriteAsync(block, cancellation);
        }
        file.SetLength(Times * (1L << 30));
    }

    private async Task<(string Name, string Id)> StartVmAsync(string name, string? size, string? content)
    {
        var image = $"/var/lib/libvirt/images/{_run}-{name}.qcow2";
        if (content is null) await RunAsync("qemu-img", "create", "-q", "-f", "qcow2", image, size!);
        else await RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", content, image);
        var xml = Path.GetTempFileName();
        await File.WriteAllTextAsync(xml, $"<domain type='qemu'><name>{_run}-{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/><source file='{image}'/><target dev='vda' bus='virtio'/></disk><controller type='usb' model='none'/><memballoon model='none'/></devices></domain>");
        await VirshAsync("define", xml);
        File.Delete(xml);
        await VirshAsync("start", $"{_run}-{name}");
        return ($"{_run}-{name}", (await VirshAsync("domuuid", $"{_run}-{name}")).Trim());
    }

    private async Task RemoveVmAsync(string name)
    {
        try { await VirshAsync("destroy", $"{_run}-{name}"); } catch (InvalidOperationException) { /* off, or never made */ }
        try { await VirshAsync("undefine", "--checkpoints-metadata", $"{_run}-{name}"); } catch (InvalidOperationException) { /* never made */ }
        File.Delete($"/var/lib/libvirt/images/{_run}-{name}.qcow2");
    }

    private static Task WriteAsync(string vm, long offset, int length) =>
        VirshAsync("qemu-monitor-command", vm, "--hmp", $"qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend \"write -P {1 + offset / 4096 % 200} {offset} {length}\"");

    private static async Task KnownAsync(ConsoleUnderTest console, string vm, CancellationToken cancellation)
    {
        for (var i = 0; !(await console.Http.GetAsync($"vms/{vm}", cancellation)).IsSuccessStatusCode; i++)
        {
            if (i == 300) throw new InvalidOperationException("The console does not see the VM.");
            await Task.Delay(200, cancellation);
        }
    }

    // From when it began to run until its end, all that the console does for it included.
    private static async Task<(double Seconds, long ReadBytes)> BackUpAsync(ConsoleUnderTest console, string vm, string repositoryId, CancellationToken cancellation)
    {
        var ended = await console.OperateAsync(HttpMethod.Post, $"vms/{vm}/actions/backup", JsonContent.Create(new { repositoryId }), cancellation);
        var took = ended.GetProperty("endedAt").GetDateTimeOffset() - ended.GetProperty("startedAt").GetDateTimeOffset();
        return (took.TotalSeconds, ended.GetProperty("result").GetProperty("readBytes").GetInt64());
    }

    private static async Task<string> NewRepositoryAsync(ConsoleUnderTest console, string location, CancellationToken cancellation)
    {
        using var answer = await console.Http.PostAsJsonAsync("repositories", new { name = Path.GetFileName(location), kind = "local", location }, cancellation);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(cancellation)).GetProperty("id").GetString()!;
    }

    private static async Task<(double Seconds, string Version)> ResticAsync(string program, string repository, string file, CancellationToken cancellation)
    {
        var version = VersionNumber().Match(await RunAsync(program, "version")).Value;
        Environment.SetEnvironmentVariable("RESTIC_PASSWORD", "bench");
        await RunAsync(program, "init", "-q", "-r", repository);
        var began = Stopwatch.GetTimestamp();
        await RunAsync(program, "backup", "-q", "--no-cache", "-r", repository, file);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        cancellation.ThrowIfCancellationRequested();
        return (seconds, version);
    }

    private static long PeakBytes(int process) => 1024 * long.Parse(Peak().Match(File.ReadAllText($"/proc/{process}/status")).Groups[1].Value, CultureInfo.InvariantCulture);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static Task<string> VirshAsync(params string[] arguments) => RunAsync("virsh", ["-c", "qemu:///system", .. arguments]);

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await error}");
    }

    [GeneratedRegex(@"restic \S+")]
    private static partial Regex VersionNumber();

    [GeneratedRegex(@"VmHWM:\s+(\d+) kB")]
    private static partial Regex Peak();
}
