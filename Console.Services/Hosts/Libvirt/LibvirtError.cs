using System.Diagnostics.CodeAnalysis;

namespace Quarterdeck.Hosts.Libvirt;

/// <summary>Turns libvirt's thread-local error into a <see cref="HypervisorException"/>; call on the thread of the failed call, before any other.</summary>
internal static unsafe class LibvirtError
{
    private const int OutOfSpace = 28, QuotaExceeded = 122; // errno

    /// <summary>Throws when a call returned a negative number.</summary>
    public static int Check(int result, string what)
    {
        if (result < 0) Throw(what);
        return result;
    }

    /// <summary>Throws when a call returned no object.</summary>
    public static T Check<T>(T handle, string what) where T : LibvirtHandle
    {
        if (handle.IsInvalid) Throw(what);
        return handle;
    }

    /// <summary>Throws when a call returned no text.</summary>
    public static string Check([NotNull] string? text, string what)
    {
        if (text is null) Throw(what);
        return text;
    }

    /// <summary>The handle, or null when libvirt says that there is no such object.</summary>
    public static T? Found<T>(T handle, string what) where T : LibvirtHandle
    {
        if (!handle.IsInvalid) return handle;
        var error = Last(what);
        return error.Error == HypervisorError.NotFound ? null : throw error;
    }

    /// <summary>The last error of this thread.</summary>
    public static HypervisorException Last(string what)
    {
        var error = Native.virGetLastError();
        if (error is null) return new(HypervisorError.Failed, what, "libvirt gave no reason.");
        var text = OwnedText.Borrowed(error->Message).Trim();
        var kind = Kind(error->Code, error->Code == 38 ? error->Number1 : 0, text);
        Native.virResetLastError();
        return new(kind, what, text.Length == 0 || text[^1] == '.' ? text : text + ".");
    }

    [DoesNotReturn]
    private static void Throw(string what) => throw Last(what);

    /// <summary>By <c>virErrorNumber</c>; where libvirt uses one number for many cases, by its words.</summary>
    internal static HypervisorError Kind(int code, int errno, string text)
    {
        if (errno is OutOfSpace or QuotaExceeded || text.Contains("No space left", StringComparison.Ordinal)) return HypervisorError.NoSpace;
        return code switch
        {
            42 or 43 or 49 or 50 or 72 or 80 or 99 or 103 or 104 => HypervisorError.NotFound,
            28 or 37 or 90 => HypervisorError.Exists,
            9 or 1 when text.Contains("already exists", StringComparison.Ordinal) => HypervisorError.Exists,
            1 or 9 when text.Contains("already running", StringComparison.Ordinal) || text.Contains("not running", StringComparison.Ordinal) => HypervisorError.WrongState,
            1 when text.Contains("client socket is closed", StringComparison.Ordinal) => HypervisorError.Disconnected,
            5 or 6 or 39 or 2 or 4 => HypervisorError.Disconnected,
            38 when text.Contains("connect", StringComparison.OrdinalIgnoreCase) => HypervisorError.Disconnected,
            55 or 87 or 83 => HypervisorError.WrongState,
            8 or 16 or 27 or 35 or 67 or 81 or 92 or 77 or 44 => HypervisorError.Invalid,
            3 or 74 or 84 => HypervisorError.Unsupported,
            68 => HypervisorError.TimedOut,
            29 or 45 or 79 or 88 or 94 => HypervisorError.Denied,
            _ => HypervisorError.Failed,
        };
    }
}
