using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Quarterdeck.Tests.Support;

/// <summary>Disk files of one and the same content, as QEMU's own tool writes them.</summary>
internal static class DiskFiles
{
    public const int Capacity = 8 << 20;
    private static readonly ConcurrentDictionary<string, Lazy<byte[]>> Made = new();

    /// <summary>Names of formats that disks come in, with what a descriptor calls each.</summary>
    public static readonly IReadOnlyList<(string Name, string Arguments, string Uri)> Formats =
    [
        ("raw", "raw", "http://example.org/raw"),
        ("stream-optimised", "vmdk -o subformat=streamOptimized", "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"),
        ("sparse", "vmdk -o subformat=monolithicSparse", "http://www.vmware.com/specifications/vmdk.html#sparse"),
        ("qcow2", "qcow2", "http://www.gnome.org/~markmc/qcow-image-format.html"),
        ("qcow2 v2", "qcow2 -o compat=0.10", "http://www.gnome.org/~markmc/qcow-image-format.html"),
        ("qcow2 packed", "qcow2 -c", "http://www.gnome.org/~markmc/qcow-image-format.html"),
        ("qcow2 zstd", "qcow2 -c -o compression_type=zstd", "qcow2"),
        ("qcow2 small clusters", "qcow2 -o cluster_size=4k,refcount_bits=64", "qcow2"),
        ("qcow2 large clusters", "qcow2 -o cluster_size=1M,refcount_bits=1,lazy_refcounts=on", "qcow2"),
        ("qcow2 preallocated", "qcow2 -o preallocation=metadata", "qcow2"),
    ];

    /// <summary>What a disk of them holds: data, a hole, the same byte over and over, data at its end.</summary>
    public static byte[] Content { get; } = Build();

    /// <summary>The content in a format, by its name in <see cref="Formats"/>.</summary>
    public static byte[] Of(string name) => [.. Made.GetOrAdd(name, n => new Lazy<byte[]>(() => Convert(Formats.First(f => f.Name == n).Arguments))).Value];

    /// <summary>The content as <c>qemu-img convert -O …</c> writes it.</summary>
    public static byte[] Convert(string arguments)
    {
        var folder = Directory.CreateTempSubdirectory("qd-disk-").FullName;
        try
        {
            var (from, to) = (Path.Combine(folder, "disk.raw"), Path.Combine(folder, "disk.out"));
            File.WriteAllBytes(from, Content);
            using var process = Process.Start(new ProcessStartInfo("qemu-img", ["convert", "-f", "raw", "-O", .. arguments.Split(' '), from, to]) { RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            process.ExitCode.ShouldBe(0, errors);
            return File.ReadAllBytes(to);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    /// <summary>A package with the content as its disk.</summary>
    public static OvaBuilder Package(string format, string name = "probe-disk1.img") =>
        new() { Disk = Of(format), Capacity = Capacity, DiskName = name, Format = Formats.First(f => f.Name == format).Uri };

    private static byte[] Build()
    {
        var content = new byte[Capacity];
        VmdkBuilder.Noise(1, 300_000).CopyTo(content, 0);
        content.AsSpan(2 << 20, 200_000).Fill(0x5a);
        VmdkBuilder.Noise(2, 100_000).CopyTo(content, 5_000_123);
        VmdkBuilder.Noise(3, 65_536).CopyTo(content, Capacity - 65_536);
        return content;
    }

    /// <summary>A small image that a CD drive takes.</summary>
    public static byte[] Iso(int sectors = 40)
    {
        var image = new byte[sectors * 2048];
        image[16 * 2048] = 1;
        "CD001"u8.CopyTo(image.AsSpan(16 * 2048 + 1));
        RandomNumberGenerator.Fill(image.AsSpan(18 * 2048));
        return image;
    }
}
