using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Capture;

/// <summary>Folders for the sockets of the console's own disk servers; nobody but the console's user gets in.</summary>
internal sealed class SocketRooms(IOptions<BackupsOptions> options, ConsoleOptions console)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int LongestFolder = 60;

    private string Root => options.Value.SocketFolder is { Length: > 0 } named ? named
        : Environment.IsPrivilegedProcess ? "/run/quarterdeck" : Path.Combine(console.DataFolder, "run");

    /// <summary>Makes the folder for a capture, and answers its path.</summary>
    public string Open(Guid point)
    {
        if (Root.Length > LongestFolder) throw new ProblemException(Problem.Conflict("The folder's path is too long", $"No socket fits into '{Root}'. Set Quarterdeck:Backups:SocketFolder to a path of at most {LongestFolder} characters."));
        Sweep();
        var folder = Path.Combine(Root, Leftover.NameOf(point));
        Directory.CreateDirectory(Root, Private);
        Directory.CreateDirectory(folder, Private);
        return folder;
    }

    /// <summary>Removes the folder and what is in it.</summary>
    public void Close(Guid point)
    {
        var folder = Path.Combine(Root, Leftover.NameOf(point));
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    // What consoles left behind that were killed; their disk servers died with them.
    private void Sweep()
    {
        if (!Directory.Exists(Root)) return;
        foreach (var folder in Directory.EnumerateDirectories(Root, "quarterdeck-*").Where(f => Leftover.IsAbandoned(f) && !f.Contains($"-{Environment.ProcessId}-", StringComparison.Ordinal)))
            Directory.Delete(folder, recursive: true);
    }
}
