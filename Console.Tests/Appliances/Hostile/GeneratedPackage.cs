using System.Security.Cryptography;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>A package of random structure, the same for the same seed, and random damage to it.</summary>
internal sealed class GeneratedPackage(int seed)
{
    private static readonly HashAlgorithmName[] Algorithms = [HashAlgorithmName.SHA1, HashAlgorithmName.SHA256, HashAlgorithmName.SHA512];

    /// <summary>The good twin.</summary>
    public byte[] Good() => Builder().Build();

    /// <summary>Whether a manifest covers it, so that no change of content may pass.</summary>
    public bool HasDigests => Builder().Digests is not null;

    private OvaBuilder Builder()
    {
        var random = new Random(seed);
        var package = DiskFiles.Package(DiskFiles.Formats[random.Next(DiskFiles.Formats.Count)].Name);
        package.Gzip = random.Next(3) == 0;
        package.Chunk = random.Next(3) == 0 ? random.Next(20_000, 3_000_000) : null;
        package.Digests = random.Next(4) == 0 ? null : Algorithms[random.Next(3)];
        package.ManifestLast = random.Next(2) == 0;
        package.Iso = random.Next(3) == 0 ? Iso(random) : null;
        package.Manifest = random.Next(2) == 0 ? OvaBuilder.Plugin : null;
        if (random.Next(4) == 0) package.More.Add(("readme.txt", VmdkBuilder.Noise(seed, random.Next(1, 5000))));
        return package;
    }

    private static byte[] Iso(Random random)
    {
        var image = new byte[random.Next(20, 60) * 2048];
        "CD001"u8.CopyTo(image.AsSpan(16 * 2048 + 1));
        return image;
    }

    /// <summary>The package with some damage: cut off, bits flipped, bytes replaced, a piece moved, repeated or left out.</summary>
    public byte[] Damaged(int damage)
    {
        var random = new Random(HashCode(seed, damage));
        var bytes = Good();
        int At() => random.Next(3) == 0 ? random.Next(Math.Min(bytes.Length, 20_000)) : random.Next(bytes.Length);
        switch (random.Next(7))
        {
            case 0: return bytes[..At()];
            case 1: bytes[At()] ^= (byte)(1 << random.Next(8)); return bytes;
            case 2: random.NextBytes(bytes.AsSpan(At())[..Math.Min(4, 1)]); return bytes;
            case 3:
                var hole = At() & ~511;
                bytes.AsSpan(hole, Math.Min(512, bytes.Length - hole)).Clear();
                return bytes;
            case 4:
                var (from, to) = (At() & ~511, At() & ~511);
                bytes.AsSpan(from, Math.Min(512, bytes.Length - from)).ToArray().AsSpan()[..Math.Min(512, bytes.Length - Math.Max(from, to))].CopyTo(bytes.AsSpan(to));
                return bytes;
            case 5:
                var gone = At() & ~511;
                return [.. bytes[..gone], .. bytes[Math.Min(bytes.Length, gone + 512)..]];
            default:
                var twice = At() & ~511;
                return [.. bytes[..twice], .. bytes.AsSpan(twice, Math.Min(512, bytes.Length - twice)).ToArray(), .. bytes[twice..]];
        }
    }

    private static int HashCode(int a, int b) => unchecked(a * 7919 + b * 104_729 + 17);
}
