namespace Quarterdeck.Bench;

/// <summary>Full restores over the same VM, beside qemu-img making the same image of a raw file: with both sources on the disk, as after a day, and as the machine's memory happens to hold them.</summary>
internal sealed class FullRestoreBenchmark : IBenchmark
{
    private const int Rounds = 3;

    public string Name => "restore-full";

    public string Description => "full restores from a local repository, against qemu-img raw to qcow2; --long: 8 GiB rather than 1 GiB";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var ground = await RestoreGround.MakeAsync(cancellation);
        var figures = new List<Figure>();
        // In memory only where all of it fits: else the one whose files were read more often wins.
        foreach (var cold in ground.Disk.Size > 1L << 30 ? new[] { true } : [true, false]) figures.Add(await MeasureAsync(ground, cold, cancellation));
        await ground.HoldsAsync(cancellation);
        return figures;
    }

    private static async Task<Figure> MeasureAsync(RestoreGround ground, bool cold, CancellationToken cancellation)
    {
        var (full, convert) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var target = Path.Combine(ground.Folder, "converted.qcow2");
            if (cold) await ForgetAsync(ground.Folder, cancellation);
            var peer = (await Tools.RunAsync("bash", ["-c", $"qemu-img convert -f raw -O qcow2 '{ground.Disk.Raw}' '{target}' && sync '{target}'"], cancellation)).Seconds;
            File.Delete(target);
            if (cold) await ForgetAsync(ground.Folder, cancellation);
            var ours = (await ground.RestoreAsync("full", cancellation)).GetProperty("seconds").GetDouble();
            Console.Error.WriteLine($"{(cold ? "from the disk" : "from memory")}{(round == 0 ? ", warm-up" : "")}: full restore {ours:0.00} s; qemu-img convert and sync {peer:0.00} s");
            if (round == 0) continue; // pays for the just-in-time compiler
            convert.Add(peer);
            full.Add(ours);
        }
        // A second of reading from the disk says little: there the long form decides.
        var counts = !cold || ground.Disk.Size > 1L << 30;
        return new Figure($"full restore, sources {(cold ? "on the disk" : "in memory")}", "s", Tools.Median(full), "qemu-img convert raw to qcow2, made durable", Tools.Median(convert), (product, peer) => !counts || peer / product >= 0.7, counts ? "at least 70 % of its speed" : "none: the long form has it");
    }

    // Writes out and drops what the machine's memory holds of the files.
    private static async Task ForgetAsync(string folder, CancellationToken cancellation) =>
        await Tools.RunAsync("bash", ["-c", $"find '{folder}' -type f -size +1M -exec sync {{}} + -exec sh -c 'for f; do dd if=\"$f\" iflag=nocache count=0 status=none; done' sh {{}} +"], cancellation);
}
