using System.Buffers.Binary;
using System.IO.Compression;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Unpacks a gzip file as it is read; what does not end as gzip must is refused.</summary>
internal sealed class Gunzip : ForwardStream
{
    private readonly string _file;
    private readonly Tail _packed;
    private readonly GZipStream _zip;
    private long _count;

    /// <param name="file">The file's name, for refusals.</param>
    /// <param name="packed">The packed bytes.</param>
    public Gunzip(string file, Stream packed)
    {
        (_file, _packed) = (file, new Tail(packed));
        // Read by large blocks: each read below digests what it read.
        _zip = new GZipStream(new BufferedStream(_packed, 256 << 10), CompressionMode.Decompress);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var read = await _zip.ReadAsync(buffer, cancellationToken);
            _count += read;
            if (read == 0 && buffer.Length > 0) await EndAsync(cancellationToken);
            return read;
        }
        catch (InvalidDataException)
        {
            throw Refusal.Of(_file, $"it is not gzip as the descriptor says, or damaged behind its byte {_count} when unpacked.");
        }
    }

    /// <summary>The runtime takes a file that breaks off for one that ended. The last four bytes tell how long it is when unpacked.</summary>
    private async Task EndAsync(CancellationToken cancellation)
    {
        var rest = new byte[64 << 10];
        while (await _packed.ReadAsync(rest, cancellation) > 0) { }
        if (_packed.Last != (uint)_count) throw Refusal.Of(_file, $"its end is missing, or something else follows it ({_count} bytes when unpacked).");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _zip.Dispose();
        base.Dispose(disposing);
    }

    public override long Position { get => _count; set => throw new NotSupportedException(); }

    /// <summary>Remembers the last four bytes.</summary>
    private sealed class Tail(Stream packed) : ForwardStream
    {
        private readonly byte[] _last = new byte[4];

        public uint Last => BinaryPrimitives.ReadUInt32LittleEndian(_last);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await packed.ReadAsync(buffer, cancellationToken);
            if (read >= 4) buffer.Span[(read - 4)..read].CopyTo(_last);
            else if (read > 0)
            {
                _last.AsSpan(read).CopyTo(_last);
                buffer.Span[..read].CopyTo(_last.AsSpan(4 - read));
            }
            return read;
        }
    }
}
