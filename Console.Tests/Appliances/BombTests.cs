using Quarterdeck.Appliances.Ova;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Appliances.Hostile;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

[Collection(Alone.Name)]
public sealed class BombTests
{
    [Fact]
    public async Task A_bomb_is_noticed_early()
    {
        foreach (var name in new[] { "gzip: bomb", "qcow2: bomb in gzip", "gzip: endless tables", "grain bomb" })
        {
            using var sink = new FolderSink();
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var package = HostilePackage.All[name].Bad();
            var made = GC.GetTotalAllocatedBytes(precise: true);
            await Should.ThrowAsync<ProblemException>(() => OvaReader.ReadAsync(new MemoryStream(package), sink, null, CancellationToken.None));
            // Everything that the reader ever asked for, alive or not: what it unpacks it does not keep.
            (GC.GetTotalAllocatedBytes(precise: true) - made).ShouldBeLessThan(64L << 20, $"{name}, a package that took {made - before} bytes to make");
            Directory.GetFiles(sink.Folder).Sum(f => new FileInfo(f).Length).ShouldBeLessThan(64L << 20);
        }
    }
}
