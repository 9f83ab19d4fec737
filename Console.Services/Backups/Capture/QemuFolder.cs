using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Capture;

/// <summary>The folder that libvirt made for one run of a domain's QEMU: QEMU's own, closed to everybody else, and allowed by what confines QEMU.</summary>
/// <remarks>QEMU's socket for a backup belongs there and nowhere else: when QEMU cannot bind it, libvirt 9.0's service dies of it (seen; its clean-up follows a null pointer), and with it everything else that the console does on the host.</remarks>
internal static partial class QemuFolder
{
    private const int LongestSocket = 107; // sun_path

    /// <summary>Where QEMU is to listen for the capture of a point; named after this process, so that another one can tell whether anybody still waits there.</summary>
    /// <exception cref="ProblemException">The domain's QEMU is not a process of this machine that the console may see.</exception>
    public static string SocketFor(Vm vm, Guid domain, Guid point)
    {
        var folder = Find(domain) ?? throw new ProblemException(Problem.Conflict("The VM's QEMU is not within reach",
            $"The console found no QEMU process of '{vm.Name}' on this machine, or may not look into its folder. Run the console as root, or as the user that QEMU runs as."));
        var socket = Path.Combine(folder, Leftover.NameOf(point));
        return Encoding.UTF8.GetByteCount(socket) <= LongestSocket ? socket
            : throw new ProblemException(Problem.Conflict("The VM's folder has too long a name", $"'{socket}' has more than {LongestSocket} bytes, which no socket may have. Give the VM a shorter name."));
    }

    // libvirt's own file on QEMU's command line tells where the folder is, whichever libvirt it was.
    private static string? Find(Guid domain)
    {
        var uuid = domain.ToString();
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out _)) continue;
            try
            {
                var arguments = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
                if (Array.IndexOf(arguments, "-uuid") is var at && at >= 0 && at + 1 < arguments.Length && arguments[at + 1] == uuid
                    && arguments.Select(a => MasterKey().Match(a)).FirstOrDefault(m => m.Success) is { } key && Regex.Unescape(key.Groups[1].Value) is var folder && Directory.Exists(folder))
                    return folder;
            }
            catch (IOException) { /* it ended meanwhile */ }
            catch (UnauthorizedAccessException) { /* somebody else's */ }
        }
        return null;
    }

    [GeneratedRegex("\"file\":\"([^\"]+)/master-key\\.aes\"")]
    private static partial Regex MasterKey();
}

/// <summary>Names that tell which process made a thing for which point.</summary>
internal static partial class Leftover
{
    /// <summary>For a point, made by this process.</summary>
    public static string NameOf(Guid point) => string.Create(CultureInfo.InvariantCulture, $"quarterdeck-{Environment.ProcessId}-{point:N}");

    /// <summary>Whether a path was made by a console that is gone, or by this one, so that nobody else waits for it.</summary>
    public static bool IsAbandoned(string path) =>
        Name().Match(path) is { Success: true } made && (made.Groups[1].Value == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) || !Directory.Exists($"/proc/{made.Groups[1].Value}"));

    [GeneratedRegex("/quarterdeck-([0-9]+)-[0-9a-f]{32}(/|$)")]
    private static partial Regex Name();
}
