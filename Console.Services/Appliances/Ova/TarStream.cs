using System.Globalization;
using System.Text;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reads a tar archive once, from front to back: flat regular files with unique names, and nothing else.</summary>
/// <remarks>ustar, GNU and pax headers are understood; links, devices, folders, paths, sparse files and duplicates are refused.</remarks>
internal sealed class TarStream(Stream source)
{
    private const int MaxExtension = 64 << 10;
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly byte[] _block = new byte[TarHeader.BlockSize];
    private TarFile? _current;
    private bool _ended;

    /// <summary>The most files it may hold.</summary>
    public int MaxFiles { get; set; } = OvaLimits.MaxFiles;

    /// <summary>Bytes of the archive read so far.</summary>
    public long Position { get; private set; }

    /// <summary>The next file, or null at the end. What was not read of the file before is skipped.</summary>
    public async Task<TarFile?> NextAsync(CancellationToken cancellation)
    {
        if (_ended) return null;
        if (_current is not null) await _current.SkipAsync(cancellation);
        string? name = null;
        long? size = null;
        while (true)
        {
            await BlockAsync(cancellation);
            if (TarHeader.IsEnd(_block)) return await EndAsync(cancellation);
            var header = TarHeader.Parse(_block);
            if (header.Size < 0) throw Refusal.Of(header.Name, "its size in the tar header is not a number.");
            switch (header.Type)
            {
                case 'x': (name, size) = Pax(await ExtensionAsync(header, cancellation), name, size); break;
                case 'g': await ExtensionAsync(header, cancellation); break;
                case 'L': name = Encoding.UTF8.GetString(await ExtensionAsync(header, cancellation)).TrimEnd('\0'); break;
                case '5' when header.Name is "./" or "." && header.Size == 0: (name, size) = (null, null); break;
                case '0' or '7': return _current = Open(name ?? header.Name, size ?? header.Size);
                default: throw Refusal.Of(name ?? header.Name, $"it is {Kind(header.Type)}; a package may hold plain files only.");
            }
        }
    }

    private TarFile Open(string name, long size)
    {
        if (name.StartsWith("./", StringComparison.Ordinal)) name = name[2..];
        if (name.Length is 0 or > 255 || name is "." or ".." || name.AsSpan().ContainsAny("/\\\0") || name.Any(char.IsControl))
            throw Refusal.Of(name, "this is no plain file name; paths are not allowed in a package.");
        if (!_names.Add(name)) throw Refusal.Of(name, "there are two files of this name.");
        if (_names.Count > MaxFiles) throw Refusal.Of(name, $"the package has more than {MaxFiles} files.");
        return new TarFile(this, name, size);
    }

    private static string Kind(char type) => type switch
    {
        '1' => "a hard link",
        '2' => "a symbolic link",
        '3' or '4' => "a device file",
        '5' => "a folder",
        '6' => "a named pipe",
        'S' => "a sparse file",
        _ => $"an entry of the unknown type '{(char.IsControl(type) ? '?' : type)}'",
    };

    /// <summary>Records of a pax header: "length key=value\n".</summary>
    private static (string? Name, long? Size) Pax(byte[] content, string? name, long? size)
    {
        for (var rest = content.AsSpan(); rest.Length > 0;)
        {
            var blank = rest.IndexOf((byte)' ');
            if (blank <= 0 || !int.TryParse(rest[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length <= blank + 1 || length > rest.Length || rest[length - 1] != '\n')
                throw Refusal.Of("package", "an extended tar header is damaged.");
            var record = Encoding.UTF8.GetString(rest[(blank + 1)..(length - 1)]);
            rest = rest[length..];
            var equals = record.IndexOf('=');
            if (equals < 0) throw Refusal.Of("package", "an extended tar header is damaged.");
            var (key, value) = (record[..equals], record[(equals + 1)..]);
            if (key == "path") name = value;
            else if (key == "size") size = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Refusal.Of(name ?? "package", "its size in the tar header is not a number.");
            else if (key == "linkpath" || key.StartsWith("GNU.sparse", StringComparison.Ordinal)) throw Refusal.Of(name ?? "package", "it is a link or a sparse file; a package may hold plain files only.");
        }
        return (name, size);
    }

    private async Task<byte[]> ExtensionAsync(TarHeader header, CancellationToken cancellation)
    {
        if (header.Size > MaxExtension) throw Refusal.Of(header.Name, "an extended tar header is too long.");
        var content = new byte[header.Size];
        await ExactlyAsync(content, "package", cancellation);
        await ExactlyAsync(new byte[Padding(header.Size)], "package", cancellation);
        return content;
    }

    /// <summary>Behind the end only padding may follow; it is read, so that the sender can finish.</summary>
    private async Task<TarFile?> EndAsync(CancellationToken cancellation)
    {
        _ended = true;
        var buffer = new byte[64 << 10];
        for (int read; (read = await ReadAsync(buffer, cancellation)) > 0;)
            if (buffer.AsSpan(0, read).ContainsAnyExcept((byte)0)) throw Refusal.Of("package", "there is data behind the archive's end.");
        return null;
    }

    private Task BlockAsync(CancellationToken cancellation) => ExactlyAsync(_block, "package", cancellation);

    internal static int Padding(long size) => (int)(-size & (TarHeader.BlockSize - 1));

    internal async Task ExactlyAsync(Memory<byte> buffer, string file, CancellationToken cancellation)
    {
        while (buffer.Length > 0)
        {
            var read = await ReadAsync(buffer, cancellation);
            if (read == 0) throw Refusal.Truncated(file);
            buffer = buffer[read..];
        }
    }

    internal async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var read = await source.ReadAsync(buffer, cancellation);
        Position += read;
        return read;
    }
}
