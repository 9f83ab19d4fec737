using System.Globalization;
using System.Text;

namespace Quarterdeck.Restores.Files;

/// <summary>Writes the archive that a Linux kernel unpacks as its first file system (cpio, "newc"). The same content gives the same bytes.</summary>
internal sealed class CpioArchive(Stream target)
{
    private const int Folder = 0x41ed, File = 0x81ed, CharacterDevice = 0x2180; // modes 0755, 0755 and 0600
    private readonly HashSet<string> _folders = [];
    private int _number;

    /// <summary>Adds a file that may be run, and the folders it is in.</summary>
    /// <param name="path">Without a leading slash.</param>
    /// <param name="content">All of it.</param>
    public void Add(string path, ReadOnlySpan<byte> content)
    {
        AddFolders(path);
        Write(path, File, content, 0, 0);
    }

    /// <summary>Adds the node of the console device, without which the first program cannot say why it failed.</summary>
    public void AddConsole()
    {
        AddFolders("dev/console");
        Write("dev/console", CharacterDevice, [], 5, 1);
    }

    /// <summary>Writes the end.</summary>
    public void Complete() => Write("TRAILER!!!", 0, [], 0, 0);

    private void AddFolders(string path)
    {
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
            if (_folders.Add(path[..slash])) Write(path[..slash], Folder, [], 0, 0);
    }

    private void Write(string path, int mode, ReadOnlySpan<byte> content, int major, int minor)
    {
        var name = Encoding.UTF8.GetBytes(path + '\0');
        var header = new StringBuilder("070701");
        foreach (var value in (int[])[++_number, mode, 0, 0, 1, 0, content.Length, 0, 0, major, minor, name.Length, 0])
            header.Append(value.ToString("x8", CultureInfo.InvariantCulture));
        target.Write(Encoding.ASCII.GetBytes(header.ToString()));
        target.Write(name);
        Pad(header.Length + name.Length);
        target.Write(content);
        Pad(content.Length);
    }

    private void Pad(int written) => target.Write("\0\0\0"u8[..(-written & 3)]);
}
