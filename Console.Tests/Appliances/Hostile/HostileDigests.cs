using Quarterdeck.Tests.Support;
using System.Text;
using static Quarterdeck.Tests.Appliances.Hostile.HostilePackage;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>What manifests can do wrong.</summary>
internal static class HostileDigests
{
    public static IReadOnlyList<HostilePackage> All { get; } =
    [
        new("wrong digest", () => new OvaBuilder { Digest = m => m.TrimEnd()[..^4] + "0000\n" }.Build(), "differs from the manifest"),
        new("digest of the wrong length", () => new OvaBuilder { Digest = m => m.TrimEnd()[..^2] + "\n" }.Build(), "wrong length"),
        new("manifest line that means nothing", () => new OvaBuilder { Digest = m => m + "hello\n" }.Build(), "not understood"),
        new("manifest that names a missing file", () => new OvaBuilder { Digest = m => m + $"SHA256(ghost)= {new string('0', 64)}\n" }.Build(), "not in the package"),
        new("file that the manifest does not cover", () => new OvaBuilder { Digest = m => string.Join('\n', m.Split('\n').Where(l => !l.Contains("vmdk"))) }.Build(), "does not cover"),
        new("uncovered file before the manifest", () => new OvaBuilder { ManifestLast = true, Digest = m => string.Join('\n', m.Split('\n').Where(l => !l.Contains("vmdk"))) }.Build(), "does not cover"),
        new("two manifests", () => Build([.. new OvaBuilder().Files(), ("b.mf", Encoding.ASCII.GetBytes($"SHA1(x)= {new string('0', 40)}"))]), "second manifest"),
        new("signature without a manifest", () => First().File("probe.cert", "x"u8.ToArray()).File("probe-disk1.vmdk", OvaBuilder.GoodDisk()).Build(), "the package has none"),
    ];
}
