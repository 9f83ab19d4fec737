using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Where one compute server lives.</summary>
/// <param name="Io">Sockets and configuration; the only folder that it can write.</param>
/// <param name="Root">Where its root view is mounted, in its own mount namespace only.</param>
internal sealed record ServerFolders(string Io, string Root)
{
    public static ServerFolders Make(string folder)
    {
        var made = new ServerFolders(Path.Combine(folder, "io"), Path.Combine(folder, "root"));
        Directory.CreateDirectory(made.Io, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(made.Root);
        return made;
    }
}

/// <summary>The folders of all compute servers of this process; what killed consoles left is removed.</summary>
internal sealed class RunFolder(ConsoleOptions options)
{
    // The longest name below is PPPPPPP/cNNNNNNNNNN-HHHHHH/io/admin-NNNN.sock, and a socket's path has 107 bytes.
    private const int LongestBase = 60;

    private readonly Lock _gate = new();
    private string? _own;

    /// <summary>The folders of one server, new and empty.</summary>
    public ServerFolders For(string id)
    {
        // Servers start side by side: whoever began second would remove the first one's folder as left over.
        lock (_gate) _own ??= Begin();
        var folder = Path.Combine(_own, id);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return ServerFolders.Make(folder);
    }

    /// <summary>Removes one server's folders.</summary>
    public void Remove(string id)
    {
        if (_own is not null && Path.Combine(_own, id) is var folder && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    /// <summary>Removes all of them.</summary>
    public void End()
    {
        if (_own is not null && Directory.Exists(_own)) Directory.Delete(_own, recursive: true);
    }

    private string Begin()
    {
        var parent = Path.Combine(options.DataFolder, "run", "workers");
        if (Encoding.UTF8.GetByteCount(parent) > LongestBase)
        {
            // Sockets have short paths only.
            var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(options.DataFolder)))[..12];
            parent = Path.Combine(Environment.IsPrivilegedProcess ? "/run" : Path.GetTempPath(), $"quarterdeck-{name}");
        }
        const UnixFileMode ours = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(parent, ours);
        File.SetUnixFileMode(parent, ours); // refused where the folder is another user's
        foreach (var old in Directory.EnumerateDirectories(parent))
            if (!int.TryParse(Path.GetFileName(old), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid == Environment.ProcessId || !Directory.Exists($"/proc/{pid}"))
                Directory.Delete(old, recursive: true);
        return Directory.CreateDirectory(Path.Combine(parent, Environment.ProcessId.ToString(CultureInfo.InvariantCulture))).FullName;
    }
}
