using Quarterdeck.Tests.Support;
using System.Security.Cryptography;
using System.Text;
using static Quarterdeck.Tests.Appliances.Hostile.HostilePackage;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>What stream-optimised disks, and files that are no disks, can do wrong.</summary>
internal static class HostilePackedDisks
{
    public static IReadOnlyList<HostilePackage> All { get; } =
    [
        new("text descriptor as a disk", () => new OvaBuilder { Disk = Encoding.ASCII.GetBytes("# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicFlat\"\nRW 131072 FLAT \"/etc/shadow\" 0\n") }.Build(), "text descriptor"),
        new("sparse VMDK that is not stream-optimised", () => Disk(Poke(OvaBuilder.GoodDisk(), 8, 3)), "neither stream-optimised nor sparse"),
        new("VMDK of another version", () => Disk(Poke(OvaBuilder.GoodDisk(), 4, 9)), "version"),
        new("VMDK that says another type", () => Disk(new VmdkBuilder { CreateType = "monolithicFlat" }.Build([])), "says that it is not"),
        new("VMDK of another capacity", () => Disk(OvaBuilder.GoodDisk(16 << 20)), "but the descriptor says"),
        new("VMDK capacity of 2^62", () => Disk(new VmdkBuilder { SaidCapacity = 1UL << 62 }.Build([])), "capacity"),
        new("VMDK capacity of nothing", () => Disk(new VmdkBuilder { SaidCapacity = 0 }.Build([])), "capacity"),
        new("VMDK grain of nothing", () => Disk(new VmdkBuilder { SaidGrain = 0 }.Build([])), "grain"),
        new("VMDK grain of 2^60", () => Disk(new VmdkBuilder { SaidGrain = 1UL << 60 }.Build([])), "grain"),
        new("VMDK grain that is no power of two", () => Disk(new VmdkBuilder { SaidGrain = 100 }.Build([])), "grain"),
        new("grain outside the disk", () => Marked((_, size, data) => (1UL << 40, size, data)), "outside the disk"),
        new("grain address that overflows", () => Marked((_, size, data) => (ulong.MaxValue, size, data)), "outside the disk"),
        new("grain address between grains", () => Marked((_, size, data) => (1, size, data)), "outside the disk"),
        new("packed size of 4 GiB", () => Marked((lba, _, data) => (lba, uint.MaxValue, data)), "bytes long when packed"),
        new("grain twice", () => Disk(new VmdkBuilder().Build([(1, VmdkBuilder.Noise(1)), (1, VmdkBuilder.Noise(2))])), "in it twice"),
        new("grain bomb", () => Disk(new VmdkBuilder().Build([(1, new byte[4 << 20])])), "too long when unpacked"),
        new("short grain", () => Disk(new VmdkBuilder().Build([(1, new byte[100])])), "too short when unpacked"),
        new("grain that is no zlib", () => Marked((lba, size, data) => (lba, size, RandomNumberGenerator.GetBytes(data.Length))), "damaged"),
        new("disk without its end", () => Disk(new VmdkBuilder { NoEnd = true }.Build([(1, VmdkBuilder.Noise(1))])), "ends in the middle"),
        new("data behind the disk's end", () => Disk([.. OvaBuilder.GoodDisk(), 1, 2, 3]), "behind its end"),
        new("table that is too long", () => Disk(WithMarker(1 << 30, 1)), "longer than the disk needs"),
        new("unknown marker", () => Disk(WithMarker(1, 77)), "unknown type"),
    ];
}
