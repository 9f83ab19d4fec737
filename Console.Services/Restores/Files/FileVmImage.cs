using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Restores.Files;

/// <summary>What the file VM starts from.</summary>
/// <param name="Kernel">A file that QEMU's user may read.</param>
/// <param name="Initrd">Likewise.</param>
internal sealed record FileVmBoot(string Kernel, string Initrd);

/// <summary>Makes the file VM's first file system out of this machine's own packages, once, and keeps it in the data folder.</summary>
/// <remarks>Made of one Perl, which Debian always has, and its one script; ntfs-3g and LVM where they are installed. The same packages give the same bytes. A changed package or script gives another image.</remarks>
internal sealed class FileVmImage(ProcessRunner runner, ConsoleOptions console) : IDisposable
{
    private const string Loader = "/lib64/ld-linux-x86-64.so.2", Public = "/run/quarterdeck-files";
    private static readonly (string Name, string[] Places, string? Package)[] Programs =
    [
        ("usr/bin/perl", ["/usr/bin/perl"], "perl-base"), ("bin/ntfs-3g", ["/bin/ntfs-3g", "/usr/bin/ntfs-3g"], null), ("sbin/lvm", ["/sbin/lvm", "/usr/sbin/lvm"], null),
    ];

    private readonly SemaphoreSlim _one = new(1);

    private string Folder => Path.Combine(console.DataFolder, "file-vm");

    /// <summary>The image, built if it is not there.</summary>
    /// <exception cref="ProblemException">Something that it is made of is missing on this machine; the problem names the package.</exception>
    public async Task<FileVmBoot> GetAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var modules = GuestModules.Find();
            var parts = await PartsAsync(modules, cancellation);
            var path = Path.Combine(Folder, Digest(parts, modules.Kernel) + ".cpio");
            if (!File.Exists(path)) await BuildAsync(path, parts, cancellation);
            // QEMU does not run as root, and may not look into the data folder.
            return Environment.IsPrivilegedProcess ? new FileVmBoot(Publish(modules.Kernel), Publish(path)) : new FileVmBoot(modules.Kernel, path);
        }
        finally { _one.Release(); }
    }

    public void Dispose() => _one.Dispose();

    private async Task<SortedDictionary<string, Part>> PartsAsync(GuestModules modules, CancellationToken cancellation)
    {
        var parts = new SortedDictionary<string, Part>(StringComparer.Ordinal) { ["init"] = new(null, Script()) };
        foreach (var (set, paths) in modules.Sets)
        {
            parts["mod/" + set] = new(null, Encoding.ASCII.GetBytes(string.Concat(paths.Select(p => GuestModules.NameOf(p) + "\n"))));
            foreach (var path in paths) parts["mod/" + GuestModules.NameOf(path)] = new(path, null);
        }
        foreach (var (name, places, package) in Programs)
        {
            if (Array.Find(places, File.Exists) is not { } program)
            {
                if (package is null) continue;
                throw new ProblemException(Problem.Unavailable("A program is missing", $"There is no '{places[0]}' on this machine. Install the package {package}."));
            }
            parts[name] = new(program, null);
            foreach (var library in await LibrariesAsync(program, cancellation)) parts[library.TrimStart('/')] = new(library, null);
        }
        return parts;
    }

    private async Task<IEnumerable<string>> LibrariesAsync(string program, CancellationToken cancellation)
    {
        var listed = await runner.RequireAsync(new ProcessSpec(Loader, ["--list", program]), cancellation);
        // Lines such as "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)" and "/lib64/ld-linux-x86-64.so.2 (0x…)".
        return listed.Text.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => w.Trim()).LastOrDefault(w => w.StartsWith('/'))).OfType<string>();
    }

    private static byte[] Script()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("files/init.pl")!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    private static string Digest(SortedDictionary<string, Part> parts, string kernel)
    {
        var all = new StringBuilder(kernel).Append('\n');
        foreach (var (name, part) in parts) all.Append(CultureInfo.InvariantCulture, $"{name}\t{part.Version()}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())))[..32];
    }

    private async Task BuildAsync(string path, SortedDictionary<string, Part> parts, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Folder);
        foreach (var old in Directory.EnumerateFiles(Folder)) File.Delete(old); // made of what is no more
        var temporary = path + ".new";
        await using (var file = File.Create(temporary))
        {
            var archive = new CpioArchive(file);
            archive.AddConsole();
            foreach (var (name, part) in parts)
                archive.Add(name, part.Content ?? (name.StartsWith("mod/", StringComparison.Ordinal) ? await GuestModules.ReadAsync(runner, part.Path!, cancellation) : await File.ReadAllBytesAsync(part.Path!, cancellation)));
            archive.Complete();
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }

    private static string Publish(string path)
    {
        const UnixFileMode passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        const UnixFileMode readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        Directory.CreateDirectory(Public);
        File.SetUnixFileMode(Public, passable);
        var copy = Path.Combine(Public, Path.GetFileName(path));
        var (from, to) = (new FileInfo(path), new FileInfo(copy));
        if (to.Exists && to.Length == from.Length && to.LastWriteTimeUtc == from.LastWriteTimeUtc) return copy;
        var temporary = $"{copy}.{Guid.NewGuid():N}";
        File.Copy(path, temporary);
        File.SetUnixFileMode(temporary, readable);
        File.SetLastWriteTimeUtc(temporary, from.LastWriteTimeUtc);
        File.Move(temporary, copy, overwrite: true);
        foreach (var old in new DirectoryInfo(Public).EnumerateFiles("*.cpio").Where(f => f.FullName != copy && path.EndsWith(".cpio", StringComparison.Ordinal) && f.LastWriteTimeUtc < DateTime.UtcNow.AddDays(-1)))
            old.Delete();
        return copy;
    }

    /// <summary>A file of the image: from a path, or with content of its own.</summary>
    private sealed record Part(string? Path, byte[]? Content)
    {
        public string Version()
        {
            if (Content is not null) return Convert.ToHexString(SHA256.HashData(Content));
            var file = new FileInfo(System.IO.File.ResolveLinkTarget(Path!, returnFinalTarget: true)?.FullName ?? Path!);
            return string.Create(CultureInfo.InvariantCulture, $"{Path} {file.Length} {file.LastWriteTimeUtc.Ticks}");
        }
    }
}
