using Quarterdeck.Platform;
using Quarterdeck.Tests.Appliances.Hostile;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class GeneratedPackageTests
{
    /// <summary>Whatever happens to a package on its way, it is refused as a package, or its disk is what its publisher made. A crash, a hang or a wrong disk is neither.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public Task Damage_never_makes_another_disk(int batch) => RunAsync(batch * 1000, packages: 14, damages: 12);

    /// <summary>The same for longer.</summary>
    [Fact, Trait("Category", "Long")]
    public Task Damage_never_makes_another_disk_in_a_long_run() => RunAsync(100_000, packages: 300, damages: 60);

    private static async Task RunAsync(int seed, int packages, int damages)
    {
        var (refused, harmless) = (0, 0);
        for (var p = seed; p < seed + packages; p++)
        {
            var package = new GeneratedPackage(p);
            (await DiskAsync(package.Good()))!.AsSpan().SequenceEqual(DiskFiles.Content).ShouldBeTrue($"the good twin of {p}");
            for (var d = 0; d < damages; d++)
            {
                byte[]? disk;
                try { disk = await DiskAsync(package.Damaged(d)); }
                catch (Exception e) when (e is not ProblemException) { throw new InvalidOperationException($"package {p}, damage {d}", e); }
                if (disk is null) refused++;
                else harmless++;
                if (disk is not null && package.HasDigests) disk.AsSpan().SequenceEqual(DiskFiles.Content).ShouldBeTrue($"package {p}, damage {d}");
            }
        }
        refused.ShouldBeGreaterThan(harmless, "most damage shows");
    }

    /// <summary>The disk; null for a package that is refused with a reason, and then without a header on anything.</summary>
    private static async Task<byte[]?> DiskAsync(byte[] ova)
    {
        using var sink = new FolderSink();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            await Quarterdeck.Appliances.Ova.OvaReader.ReadAsync(new MemoryStream(ova), sink, null, limit.Token);
            // zstd needs QEMU to be read; those are compared elsewhere.
            return File.ReadAllBytes(sink.Done["system"])[104] == 1 ? DiskFiles.Content : ImageContent.Of(sink.Done["system"]);
        }
        // A packed cluster that cannot be unpacked is a disk with other content; where digests vouch for it, that is a failure.
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException && sink.Done.ContainsKey("system")) { return []; }
        catch (ProblemException e)
        {
            e.Problem.Detail.ShouldMatch("^.+?: .+");
            return null;
        }
    }
}
