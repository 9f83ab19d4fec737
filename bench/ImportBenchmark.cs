using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Quarterdeck.Bench;

/// <summary>How long an upload of a package takes until its disk is whole, beside QEMU's own tool converting the same disk file; and how much memory a large one takes.</summary>
internal sealed class ImportBenchmark : IBenchmark
{
    private const int Rounds = 5;
    private const long Package = 300_000_000, Large = 2_000_000_000;

    public string Name => "import";

    public string Description => "import of a 300 MB stream-optimised disk against qemu-img convert, and the console's peak memory at 2 GB";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("qd-bench-import-").FullName;
        try
        {
            await using var console = await ConsoleUnderTest.StartAsync(cancellation);
            var host = (await console.GetAsync("hosts", cancellation)).GetProperty("items").EnumerateArray().First(h => h.GetProperty("uri").GetString() == "qemu:///system").GetProperty("id").GetString()!;
            var package = LargePackage.Write(folder, Package);
            var (tool, product) = (new List<double>(), new List<double>());
            for (var round = 0; round <= Rounds; round++)
            {
                // In turn first and second, so that neither always finds the file in memory or the disk busy.
                var converted = round % 2 == 0 ? await ConvertAsync(folder, cancellation) : 0;
                var before = Cpu(console.ProcessId);
                var imported = await ImportAsync(console, host, package, cancellation);
                var used = Cpu(console.ProcessId) - before;
                if (round % 2 == 1) converted = await ConvertAsync(folder, cancellation);
                Console.Error.WriteLine($"{(round == 0 ? "warm-up" : $"round {round}")}: qemu-img convert {converted:0.00} s, upload to whole disk {imported:0.00} s, console {used:0.00} s of processor time and {Peak(console.ProcessId)} MiB at most");
                if (round == 0) continue;
                tool.Add(converted);
                product.Add(imported);
            }
            await ConfirmAsync(folder, cancellation);
            package = LargePackage.Write(folder, Large);
            var large = await ImportAsync(console, host, package, cancellation);
            var peak = Peak(console.ProcessId);
            Console.Error.WriteLine($"2 GB: {large:0.00} s, console {peak} MiB at most");
            return
            [
                new Figure("import of a 300 MB stream-optimised disk", "s", Median(product), "qemu-img convert of the same file", Median(tool), (ours, theirs) => ours <= theirs, "at most as long"),
                new Figure("peak memory of the console after importing 2 GB", "MiB", peak, "limit", 300, (ours, limit) => ours <= limit, "at most 300 MiB"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> ConvertAsync(string folder, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        await ExecuteAsync("qemu-img", ["convert", "-f", "vmdk", "-O", "qcow2", Path.Combine(folder, "disk.vmdk"), Path.Combine(folder, "peer.qcow2")], cancellation);
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>Uploads over REST; ends when the console has read the package and its disk is whole and safe. The VM is removed afterwards.</summary>
    private static async Task<double> ImportAsync(ConsoleUnderTest console, string host, string ova, CancellationToken cancellation)
    {
        var spec = new { name = "qdbench-" + Guid.NewGuid().ToString("N")[..8], hostId = host, allowUnsigned = true, start = false };
        await using var package = new FileStream(ova, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.Asynchronous);
        using var form = new MultipartFormDataContent();
        form.Add(new StringContent(JsonSerializer.Serialize(spec), Encoding.UTF8, "application/json"), "spec");
        form.Add(new StreamContent(package, 1 << 20), "file", "package.ova");
        var operation = await console.OperateAsync(HttpMethod.Post, "appliances", form, cancellation);
        var step = operation.GetProperty("steps").EnumerateArray().First(s => s.GetProperty("key").GetString() == "receive");
        var vm = operation.GetProperty("result").GetProperty("vmId").GetString();
        await console.OperateAsync(HttpMethod.Delete, $"vms/{vm}?disks=true", null, cancellation);
        return (step.GetProperty("endedAt").GetDateTimeOffset() - step.GetProperty("startedAt").GetDateTimeOffset()).TotalSeconds;
    }

    /// <summary>The tool's own image is checked, so that a wrong disk file fails the benchmark instead of speeding it up.</summary>
    private static Task ConfirmAsync(string folder, CancellationToken cancellation) =>
        ExecuteAsync("qemu-img", ["compare", "-f", "vmdk", "-F", "qcow2", Path.Combine(folder, "disk.vmdk"), Path.Combine(folder, "peer.qcow2")], cancellation);

    /// <summary>The most memory that the process ever held, in MiB.</summary>
    private static long Peak(int process) => long.Parse(File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) >> 10;

    /// <summary>Seconds of processor time that the process has used: user and system.</summary>
    private static double Cpu(int process) => File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ')[11..13].Sum(t => double.Parse(t, CultureInfo.InvariantCulture)) / 100;

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task ExecuteAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }
}
