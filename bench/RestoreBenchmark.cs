namespace Quarterdeck.Bench;

/// <summary>Restores of a VM in place beside what else one would do: copy the whole image over a link of 1 Gbit/s, or let restic restore into the file.</summary>
internal sealed class RestoreBenchmark : IBenchmark
{
    private const int Rounds = 3;
    private static readonly DiskChange[] Changes = [new("1 % contiguous", 1), new("5 % contiguous", 5), new("25 % contiguous", 25), new("1 % random 4 KiB", 1, Scattered: true)];

    public string Name => "restore";

    public string Description => "incremental restores, against qemu-img over a 1 Gbit/s link and restic in place; --long: 8 GiB rather than 1 GiB";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var ground = await RestoreGround.MakeAsync(cancellation);
        var disk = ground.Disk;
        var figures = new List<Figure>();
        var copied = await CopiedAsync(disk, ground.Folder, cancellation);
        var restic = await ResticPeer.StartAsync(disk, ground.Folder, cancellation);
        await RestoreAsync(ground, Changes[0], cancellation); // pays for the just-in-time compiler and cold caches
        foreach (var change in Changes)
        {
            var (ours, theirs, ratios) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                var (seconds, wall, sent, chunks) = await RestoreAsync(ground, change, cancellation);
                theirs.Add(await restic.RestoreAsync(change, cancellation));
                ours.Add(seconds);
                ratios.Add((double)sent / (chunks * 65536));
                Console.Error.WriteLine($"{change.Name}: {seconds:0.00} s ({wall:0.00} s asked to answered), {sent >> 10} KiB for {chunks} chunks; restic {theirs[^1]:0.00} s; copy over the link {copied:0.00} s");
            }
            figures.Add(new Figure($"bytes down, {change.Name}", "x", ratios.Max(), "chunks that differ", 1, (product, peer) => product <= 1.05 * peer, "at most 1.05 of the differing chunks"));
            var (faster, against) = change switch { { Scattered: true } or { Percent: 25 } => (0.0, 0.0), { Percent: 1 } => (8.0, 3.0), _ => (4.0, 3.0) };
            figures.Add(new Figure($"incremental restore, {change.Name}", "s", Tools.Median(ours), "qemu-img over 1 Gbit/s", copied, (product, peer) => peer / product >= faster, faster > 0 ? $"{faster:0} x faster" : "none"));
            figures.Add(new Figure($"incremental restore, {change.Name}", "s", Tools.Median(ours), restic.Version, Tools.Median(theirs), (product, peer) => peer / product >= against, against > 0 ? $"{against:0} x faster" : "none"));
        }
        return figures;
    }

    private static async Task<(double Seconds, double Wall, long Sent, long Chunks)> RestoreAsync(RestoreGround ground, DiskChange change, CancellationToken cancellation)
    {
        var places = ground.Disk.Places(change);
        await BenchDisk.ChangeAsync(ground.Image, "qcow2", places, cancellation);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var result = await ground.RestoreAsync("incremental", cancellation);
        var wall = clock.Elapsed.TotalSeconds;
        await ground.HoldsAsync(cancellation);
        return (result.GetProperty("seconds").GetDouble(), wall, result.GetProperty("sentBytes").GetInt64(), BenchDisk.Chunks(places));
    }

    // What one does without: the whole image over the network into a new file.
    private static async Task<double> CopiedAsync(BenchDisk disk, string folder, CancellationToken cancellation)
    {
        await using var link = await ShapedLink.MakeAsync("1gbit", cancellation);
        using var server = link.Start("qemu-nbd", ["--read-only", "--persistent", "--format=raw", "--bind=198.18.77.2", "--port=10809", "--shared=4", disk.Raw]);
        try
        {
            for (var tries = 0; ; tries++)
            {
                try
                {
                    await Tools.RunAsync("qemu-img", ["info", $"nbd://{link.Address}:10809"], cancellation);
                    break;
                }
                catch (InvalidOperationException) when (tries < 50) { await Task.Delay(100, cancellation); }
            }
            var times = new List<double>();
            for (var round = 0; round < Rounds; round++)
            {
                var target = Path.Combine(folder, "copied.qcow2");
                times.Add((await Tools.RunAsync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", $"nbd://{link.Address}:10809", target], cancellation)).Seconds);
                File.Delete(target);
            }
            return Tools.Median(times);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(CancellationToken.None);
        }
    }
}
