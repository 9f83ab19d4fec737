namespace Quarterdeck.Bench;

/// <summary>Full restores over the same VM, beside qemu-img making the same image of a raw file: with both sources on the disk, as after a day, and as the machine's memory happens to hold them.</summary>
internal sealed class FullRestoreBenchmark : IBenchmark
{
    private const int Rounds = 3;

    public string Name => "restore-full";

    public string Description => "full restores from a local repository, against qemu-img raw to qcow2; --long: 8 GiB rather than 1 GiB";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var folder = BenchVm.Folder();
        try
        {
            var disk = new BenchDisk(folder, BenchDisk.SizeOf(1L << 30));
            await disk.FillAsync(cancellation);
            var image = Path.Combine(folder, "disk.qcow2");
            await Tools.RunAsync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", disk.Raw, image], cancellation);
            await using var console = await ConsoleUnderTest.StartAsync(cancellation, new Dictionary<string, string> { ["QUARTERDECK_IMAGE_ROOTS"] = folder });
            await using var vm = await BenchVm.MakeAsync(console, folder, image, cancellation);
            var figures = new List<Figure>();
            // In memory only where all of it fits: else the one whose files were read more often wins.
            foreach (var cold in disk.Size > 1L << 30 ? new[] { true } : [true, false]) figures.Add(await MeasureAsync(console, vm, disk, folder, cold, cancellation));
            var held = await Tools.RunAsync("qemu-img", ["compare", "-f", "raw", "-F", "qcow2", disk.Raw, image], cancellation);
            if (!held.Output.Contains("identical", StringComparison.Ordinal)) throw new InvalidOperationException($"The restored disk is not the point: {held.Output}");
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Figure> MeasureAsync(ConsoleUnderTest console, BenchVm vm, BenchDisk disk, string folder, bool cold, CancellationToken cancellation)
    {
        var (full, convert) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var target = Path.Combine(folder, "converted.qcow2");
            if (cold) await ForgetAsync(folder, cancellation);
            var peer = (await Tools.RunAsync("bash", ["-c", $"qemu-img convert -f raw -O qcow2 '{disk.Raw}' '{target}' && sync '{target}'"], cancellation)).Seconds;
            File.Delete(target);
            if (cold) await ForgetAsync(folder, cancellation);
            var ours = (await vm.RestoreAsync(console, "full", cancellation)).GetProperty("seconds").GetDouble();
            Console.Error.WriteLine($"{(cold ? "from the disk" : "from memory")}{(round == 0 ? ", warm-up" : "")}: full restore {ours:0.00} s; qemu-img convert and sync {peer:0.00} s");
            if (round == 0) continue; // pays for the just-in-time compiler
            convert.Add(peer);
            full.Add(ours);
        }
        return new Figure($"full restore, sources {(cold ? "on the disk" : "in memory")}", "s", Tools.Median(full), "qemu-img convert raw to qcow2, made durable", Tools.Median(convert), (product, peer) => peer / product >= 0.7, "at least 70 % of its speed");
    }

    // Writes out and drops what the machine's memory holds of the files.
    private static async Task ForgetAsync(string folder, CancellationToken cancellation) =>
        await Tools.RunAsync("bash", ["-c", $"find '{folder}' -type f -size +1M -exec sync {{}} + -exec sh -c 'for f; do dd if=\"$f\" iflag=nocache count=0 status=none; done' sh {{}} +"], cancellation);
}
