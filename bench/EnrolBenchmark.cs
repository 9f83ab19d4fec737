using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Quarterdeck.Appliances.Environment;

namespace Quarterdeck.Bench;

/// <summary>How long the console takes from the first byte of an upload until the plug-in is ready, beside the time that the guest itself needs to boot to its first packet.</summary>
internal sealed class EnrolBenchmark : IBenchmark
{
    private const int Rounds = 3;

    public string Name => "enrol";

    public string Description => "upload of an appliance until its plug-in is ready, against the guest's own boot to its first packet";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("qd-bench-enrol-").FullName;
        try
        {
            var ova = Path.Combine(folder, "demo.ova");
            await ExecuteAsync(Path.Combine(ConsoleUnderTest.Root, "samples", "appliance", "build.sh"), [ova], cancellation);
            await ExecuteAsync("tar", ["-C", folder, "-xf", ova], cancellation);
            await ExecuteAsync("qemu-img", ["convert", "-O", "qcow2", Path.Combine(folder, "harbour-light-disk1.vmdk"), Path.Combine(folder, "disk.qcow2")], cancellation);
            await File.WriteAllBytesAsync(Path.Combine(folder, "environment.iso"), IsoImage.Write("OVF ENV", "ovf-env.xml", EnvironmentDocument.Write("bench", "0", []), DateTimeOffset.UtcNow), cancellation);

            await using var console = await ConsoleUnderTest.StartAsync(cancellation);
            var host = (await console.GetAsync("hosts", cancellation)).GetProperty("items").EnumerateArray().First(h => h.GetProperty("uri").GetString() == "qemu:///system").GetProperty("id").GetString()!;
            var (boots, imports) = (new List<double>(), new List<double>());
            for (var round = 0; round <= Rounds; round++)
            {
                var boot = await BootAsync(folder, cancellation);
                var import = await ImportAsync(console, host, ova, cancellation);
                Console.Error.WriteLine($"{(round == 0 ? "warm-up" : $"round {round}")}: guest alone {boot:0.00} s to its first packet, upload to ready {import:0.00} s");
                if (round == 0) continue;   // the first of each pays for caches and the just-in-time compiler
                boots.Add(boot);
                imports.Add(import);
            }
            return [new Figure("upload to ready", "s", Median(imports), "guest alone, power-on to first packet", Median(boots), (product, peer) => product - peer <= 2, "at most 2 s more")];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Boots the disk in a bare QEMU of the same machine type; the time until the guest sends anything.</summary>
    private static async Task<double> BootAsync(string folder, CancellationToken cancellation)
    {
        var packets = Path.Combine(folder, "packets");
        File.Delete(packets);
        var clock = Stopwatch.StartNew();
        using var qemu = Process.Start(new ProcessStartInfo("qemu-system-x86_64",
        [
            "-machine", "pc", "-accel", "tcg", "-cpu", "max", "-m", "192", "-display", "none", "-nodefaults", "-vga", "std", "-snapshot",
            "-drive", $"file={folder}/disk.qcow2,format=qcow2,if=virtio", "-drive", $"file={folder}/environment.iso,format=raw,if=ide,media=cdrom,readonly=on",
            "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n", "-device", "virtio-rng-pci", "-object", $"filter-dump,id=f,netdev=n,file={packets}",
        ]))!;
        try
        {
            // The file begins with a header of 24 bytes; what comes after it is the first packet.
            while (!File.Exists(packets) || new FileInfo(packets).Length <= 24)
            {
                if (qemu.HasExited || clock.Elapsed.TotalSeconds > 60) throw new InvalidOperationException("The guest did not send anything.");
                await Task.Delay(5, cancellation);
            }
            return clock.Elapsed.TotalSeconds;
        }
        finally
        {
            qemu.Kill();
            await qemu.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task<double> ImportAsync(ConsoleUnderTest console, string host, string ova, CancellationToken cancellation)
    {
        var spec = new { name = "qdbench-" + Guid.NewGuid().ToString("N")[..8], hostId = host, networks = new { Management = "user" }, allowUnsigned = true };
        var clock = Stopwatch.StartNew();
        await using var package = File.OpenRead(ova);
        using var form = new MultipartFormDataContent();
        form.Add(new StringContent(JsonSerializer.Serialize(spec), Encoding.UTF8, "application/json"), "spec");
        form.Add(new StreamContent(package), "file", "demo.ova");
        var operation = await console.OperateAsync(HttpMethod.Post, "appliances", form, cancellation);
        var plugin = operation.GetProperty("result").GetProperty("pluginId").GetString();
        while ((await console.GetAsync($"plugins/{plugin}", cancellation)).GetProperty("state").GetString() != "ready") await Task.Delay(20, cancellation);
        var took = clock.Elapsed.TotalSeconds;
        await console.OperateAsync(HttpMethod.Delete, $"plugins/{plugin}", null, cancellation);
        return took;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task ExecuteAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }
}
