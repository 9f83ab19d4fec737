using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Capture;

/// <summary>Folders in which QEMU's socket for one capture is; nobody but that QEMU and the console gets in.</summary>
internal sealed partial class SocketRooms(IOptions<BackupsOptions> options, ConsoleOptions console)
{
    private const int LongestPath = 107; // sun_path
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private string Root => options.Value.SocketFolder is { Length: > 0 } named ? named
        : Environment.IsPrivilegedProcess ? "/run/quarterdeck" : Path.Combine(console.DataFolder, "run");

    /// <summary>The socket's path for a capture; named after this process, so that another one can tell whether anybody still waits at it.</summary>
    public string SocketOf(Guid point) => Path.Combine(Root, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{point:N}"), "nbd");

    /// <summary>Makes the folder, for the QEMU of this owner.</summary>
    /// <exception cref="ProblemException">This process may not share a folder with that QEMU.</exception>
    public string Open(Guid point, (uint User, uint Group)? owner)
    {
        var socket = SocketOf(point);
        var folder = Path.GetDirectoryName(socket)!;
        if (socket.Length > LongestPath) throw new ProblemException(Problem.Conflict("The folder's path is too long", $"'{socket}' has more than {LongestPath} characters, which no socket may have. Set Quarterdeck:Backups:SocketFolder to a shorter one."));
        if (!Directory.Exists(Root)) Directory.CreateDirectory(Root, Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        Close(point);
        Directory.CreateDirectory(folder, Private);
        if (owner is { } qemu && ChangeOwner(folder, qemu.User, qemu.Group) != 0)
        {
            var why = Marshal.GetLastPInvokeErrorMessage();
            Directory.Delete(folder);
            throw new ProblemException(Problem.Conflict("The console may not share a folder with QEMU", $"'{folder}' cannot be given to QEMU's user {qemu.User}: {why}. Run the console as root, or as QEMU's own user."));
        }
        return socket;
    }

    /// <summary>Removes the folder and what is in it.</summary>
    public void Close(Guid point)
    {
        var folder = Path.GetDirectoryName(SocketOf(point))!;
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    /// <summary>The point of a socket that was made here by a process that is gone, or by this one; null for anybody else's.</summary>
    public Guid? AbandonedPointOf(string socket)
    {
        var folder = Path.GetDirectoryName(socket);
        if (folder is null || Path.GetDirectoryName(folder) != Root || Path.GetFileName(folder).Split('-', 2) is not [var process, var name] || !Guid.TryParseExact(name, "N", out var point)) return null;
        var gone = !Directory.Exists($"/proc/{process}");
        return gone || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) ? point : null;
    }

    /// <summary>Removes folders of processes that are gone.</summary>
    public void Sweep()
    {
        if (!Directory.Exists(Root)) return;
        foreach (var folder in Directory.EnumerateDirectories(Root))
            if (Path.GetFileName(folder).Split('-', 2) is [var process, _] && !Directory.Exists($"/proc/{process}")) Directory.Delete(folder, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
