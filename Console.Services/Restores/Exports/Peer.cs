using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Quarterdeck.Restores.Exports;

/// <summary>Who is at the other end of a unix socket, as the kernel says.</summary>
internal static partial class Peer
{
    private const int SolSocket = 1, SoPeerCred = 17;
    private static readonly string[] QemuUsers = ["libvirt-qemu", "qemu"];
    private static readonly Lazy<HashSet<uint>> Allowed = new(() => [0, EffectiveUser(), .. UsersNamed(QemuUsers)]);

    /// <summary>Whether it may read the disks of VMs: the console's own user, root, or the one that libvirt runs QEMU as.</summary>
    public static bool MayRead(Socket connection)
    {
        Span<uint> credentials = stackalloc uint[3]; // process, user, group
        return connection.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(credentials)) == 12 && Allowed.Value.Contains(credentials[1]);
    }

    /// <summary>The user that libvirt runs QEMU as, and its group's number; null where there is none.</summary>
    public static (string Name, string Group)? QemuUser() =>
        (from line in File.Exists("/etc/passwd") ? File.ReadLines("/etc/passwd") : []
         let fields = line.Split(':')
         where fields.Length > 3 && QemuUsers.Contains(fields[0])
         select ((string, string)?)(fields[0], fields[3])).FirstOrDefault();

    /// <summary>Gives a socket that another program made to QEMU's user, and to nobody else.</summary>
    public static void LetQemuConnect(string socket)
    {
        File.SetUnixFileMode(socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (Environment.IsPrivilegedProcess && UsersNamed(QemuUsers).Cast<uint?>().FirstOrDefault() is { } user) _ = ChangeOwner(socket, user, uint.MaxValue);
    }

    private static IEnumerable<uint> UsersNamed(IReadOnlyCollection<string> names) =>
        from line in File.Exists("/etc/passwd") ? File.ReadLines("/etc/passwd") : []
        let fields = line.Split(':')
        where fields.Length > 2 && names.Contains(fields[0]) && uint.TryParse(fields[2], out _)
        select uint.Parse(fields[2], System.Globalization.CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();
}
