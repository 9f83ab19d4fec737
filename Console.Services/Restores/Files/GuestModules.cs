using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Restores.Files;

/// <summary>The kernel that the file VM runs, and those of its modules that it may need.</summary>
internal sealed class GuestModules
{
    // What is built into a kernel is in no file, and needs no loading.
    private static readonly (string Set, string[] Modules)[] Wanted =
    [
        ("base", ["virtio_pci", "virtio_blk", "virtio_console", "ext4"]),
        ("xfs", ["xfs"]), ("btrfs", ["btrfs"]), ("ntfs", ["fuse"]), ("exfat", ["exfat", "nls_utf8"]),
        ("vfat", ["vfat", "nls_cp437", "nls_ascii", "nls_utf8"]), ("iso9660", ["isofs", "nls_utf8"]), ("udf", ["udf", "nls_utf8"]),
        ("squashfs", ["squashfs"]), ("lvm", ["dm_mod", "dm_snapshot", "dm_thin_pool", "dm_raid"]),
    ];

    private readonly Dictionary<string, string[]> _needs = [];
    private readonly Dictionary<string, string> _byName = [];

    private GuestModules(string kernel, string folder)
    {
        Kernel = kernel;
        foreach (var line in File.ReadLines(Path.Combine(folder, "modules.dep")))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0) continue;
            var path = Path.Combine(folder, line[..colon]);
            _needs[path] = [.. line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => Path.Combine(folder, p))];
            _byName[Plain(path)] = path;
        }
    }

    /// <summary>Path of the kernel.</summary>
    public string Kernel { get; }

    /// <summary>Sets of modules, each in the order of loading.</summary>
    public IEnumerable<(string Set, IReadOnlyList<string> Paths)> Sets => Wanted.Select(w => (w.Set, (IReadOnlyList<string>)[.. w.Modules.Where(_byName.ContainsKey).SelectMany(m => Order(_byName[m])).Distinct()]));

    /// <summary>Finds the newest kernel that has its modules on this machine; one made for VMs comes first, since it starts fastest.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public static GuestModules Find()
    {
        var kernels = from kernel in Directory.Exists("/boot") ? Directory.GetFiles("/boot", "vmlinuz-*") : []
                      let version = Path.GetFileName(kernel)["vmlinuz-".Length..]
                      let folder = $"/lib/modules/{version}"
                      where File.Exists(Path.Combine(folder, "modules.dep"))
                      orderby version.Contains("cloud", StringComparison.Ordinal) descending, File.GetLastWriteTimeUtc(kernel) descending, version descending
                      select (kernel, folder);
        return kernels.FirstOrDefault() is { kernel: { } found, folder: var modules } ? new GuestModules(found, modules)
            : throw new ProblemException(Problem.Unavailable("There is no kernel for the reading VM", "Files of recovery points are read by a small VM, which needs a Linux kernel with its modules under /boot and /lib/modules. Install the package linux-image-cloud-amd64."));
    }

    /// <summary>What a module is called in the image: decompressed.</summary>
    public static string NameOf(string path) => Path.GetFileName(path)[..(Path.GetFileName(path).IndexOf(".ko", StringComparison.Ordinal) + 3)];

    /// <summary>A module's content; compressed ones are unpacked with the machine's own programs.</summary>
    public static async Task<byte[]> ReadAsync(ProcessRunner runner, string path, CancellationToken cancellation)
    {
        var program = Path.GetExtension(path) switch { ".xz" => "/usr/bin/xz", ".zst" => "/usr/bin/zstd", ".gz" => "/usr/bin/gzip", _ => null };
        if (program is null) return await File.ReadAllBytesAsync(path, cancellation);
        return (await runner.RequireAsync(new ProcessSpec(program, ["-dc", path]) { MaxOutputBytes = 64 << 20 }, cancellation)).Output;
    }

    // modules.dep lists all that a module needs, the nearest first.
    private IEnumerable<string> Order(string path) => [.. _needs[path].Reverse(), path];

    private static string Plain(string path) => NameOf(path)[..^3].Replace('-', '_');
}
