using System.Globalization;
using System.Xml.Linq;
using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Exports;

/// <summary>Where exports listen: a folder that QEMU's user may pass through, but not list. Who may talk is decided by who calls, see <see cref="Peer"/>.</summary>
internal sealed class ExportSockets(IOptions<BackupsOptions> options, ConsoleOptions console)
{
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const int LongestFolder = 60;

    private string Root => options.Value.SocketFolder is { Length: > 0 } named ? named + "-nbd"
        : Environment.IsPrivilegedProcess ? "/run/quarterdeck-nbd" : Path.Combine(console.DataFolder, "run-nbd");

    /// <summary>A path for an export that only this process will ever serve.</summary>
    public string Fresh()
    {
        Sweep();
        return Path.Combine(Folder(), string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Guid.CreateVersion7():N}"));
    }

    /// <summary>The path that a VM's QEMU reads a disk from as long as it is not independent; the next console finds the same.</summary>
    public string Of(Guid vmId, string target) => Path.Combine(Folder(), $"vm-{vmId:N}-{target}");

    /// <summary>The paths of <see cref="Of"/> that a definition names.</summary>
    public static IReadOnlyList<string> In(string xml, Guid vmId) =>
        [.. from host in XElement.Parse(xml).Descendants("host") let socket = (string?)host.Attribute("socket") where socket is not null && Path.GetFileName(socket).StartsWith($"vm-{vmId:N}-", StringComparison.Ordinal) select socket];

    /// <summary>The path that the console serves such a disk at, for what stands between.</summary>
    public static string Behind(string socket) => socket + ".repo";

    private string Folder()
    {
        if (Root.Length > LongestFolder) throw new ProblemException(Problem.Conflict("The folder's path is too long", $"No socket fits into '{Root}'. Set Quarterdeck:Backups:SocketFolder to a path of at most {LongestFolder - 4} characters."));
        Directory.CreateDirectory(Root);
        File.SetUnixFileMode(Root, Passable);
        return Root;
    }

    // What consoles left behind that were killed.
    private void Sweep()
    {
        foreach (var file in Directory.Exists(Root) ? Directory.EnumerateFiles(Root) : [])
            if (Path.GetFileName(file).Split('-') is [var process, _] && int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && !Directory.Exists($"/proc/{id}"))
                File.Delete(file);
    }
}
