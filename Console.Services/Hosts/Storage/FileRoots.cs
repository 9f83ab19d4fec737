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

    /// <summary>Whether it is a plain file: opening a pipe would wait for ever, and a device is the host itself.</summary>
    public static unsafe bool IsPlainFile(string path)
    {
        const int CurrentFolder = -100, ModeOffset = 28, TypeMask = 0xf000, Plain = 0x8000;
        const uint Type = 1;
        var answer = stackalloc byte[256]; // struct statx, the same on every architecture
        return StatX(CurrentFolder, path, 0, Type, answer) == 0 && (*(ushort*)(answer + ModeOffset) & TypeMask) == Plain;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int folder, string path, int flags, uint mask, byte* answer);

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    [return: System.Runtime.InteropServices.Marshalling.MarshalUsing(typeof(OwnedText))]
    private static partial string? Real(string path, nint buffer = 0);
}
