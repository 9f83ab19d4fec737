using System.Runtime.InteropServices;
using Quarterdeck.Hosts.Libvirt;

namespace Quarterdeck.Hosts.Storage;

/// <summary>Confines paths from outside to a few folders, after every link is resolved.</summary>
internal static partial class FileRoots
{
    /// <summary>The real path when it lies inside one of the roots (themselves resolved), else null; also null when it does not exist.</summary>
    public static string? Resolve(string path, IReadOnlyList<string> roots)
    {
        if (!path.StartsWith('/') || path.Contains('\0')) return null;
        if (Real(path) is not { } real) return null;
        foreach (var root in roots)
            if (Real(root) is { } folder && real.StartsWith(folder == "/" ? folder : folder + "/", StringComparison.Ordinal))
                return real;
        return null;
    }

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    [return: System.Runtime.InteropServices.Marshalling.MarshalUsing(typeof(OwnedText))]
    private static partial string? Real(string path, nint buffer = 0);
}
