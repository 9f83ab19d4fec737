using System.Globalization;

namespace Quarterdeck.Appliances.Ova;

/// <summary>A file that the descriptor references, as one stream of the bytes that lie in the package: whole, or chunk by chunk as the archive's entries follow each other.</summary>
/// <remarks>Chunks are named <c>HREF.000000000</c> and counted on; all but the last have the same size.</remarks>
internal sealed class WholeFile : ForwardStream
{
    private readonly OvfFile? _reference;
    private readonly Func<string, CancellationToken, Task<DigestStream?>> _next;
    private readonly Func<DigestStream, CancellationToken, Task> _done;
    private DigestStream? _part;
    private long _read, _sizes;
    private int _index;

    /// <param name="first">The archive's entry, or the first chunk's.</param>
    /// <param name="reference">What the descriptor says about the file; null when it does not name it.</param>
    /// <param name="next">Opens the archive's next entry if it has this name.</param>
    /// <param name="done">Told each entry that was read to its end.</param>
    public WholeFile(DigestStream first, OvfFile? reference, Func<string, CancellationToken, Task<DigestStream?>> next, Func<DigestStream, CancellationToken, Task> done)
    {
        (_part, _reference, _next, _done) = (first, reference, next, done);
        Name = reference?.ChunkBytes is null ? first.File.Name : reference.Href;
        Bytes = reference?.ChunkBytes is null ? first.File.Size : reference.Size;
        Accept(first);
        if (reference is { Size: { } said, ChunkBytes: null } && said != first.File.Size) throw Refusal.Of(Name, $"it has {first.File.Size} bytes, but the descriptor says {said}.");
    }

    /// <summary>The file's name in the descriptor.</summary>
    public string Name { get; }

    /// <summary>Its bytes in the package; null for chunks of which the descriptor does not say how many there are.</summary>
    public long? Bytes { get; }

    /// <summary>Name of the chunk of a number.</summary>
    public static string ChunkName(OvfFile file, int index) => string.Create(CultureInfo.InvariantCulture, $"{file.Href}.{index:D9}");

    /// <summary>Reads what is left, so that every digest is known.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        var buffer = new byte[128 << 10];
        while (await ReadAsync(buffer, cancellation) > 0) { }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_part is not null)
        {
            var read = await _part.ReadAsync(buffer, cancellationToken);
            _read += read;
            if (read > 0 || buffer.Length == 0) return read;
            await TurnAsync(cancellationToken);
        }
        return 0;
    }

    private async Task TurnAsync(CancellationToken cancellation)
    {
        var part = _part!;
        _part = null;
        await using (part) await _done(part, cancellation);
        if (_reference?.ChunkBytes is not { } chunk) return;
        var isLast = part.File.Size < chunk || _sizes == _reference.Size;
        if (!isLast)
        {
            var name = ChunkName(_reference, ++_index);
            _part = await _next(name, cancellation);
            if (_part is not null) Accept(_part);
            else if (_reference.Size is not null) throw Refusal.Of(name, "the descriptor calls for this chunk, but it does not follow in the package.");
        }
        if (_part is null && _reference.Size is { } said && said != _sizes) throw Refusal.Of(Name, $"its chunks have {_sizes} bytes, but the descriptor says {said}.");
    }

    private void Accept(DigestStream part)
    {
        _sizes += part.File.Size;
        if (_reference?.ChunkBytes is { } chunk && (part.File.Size > chunk || part.File.Size == 0 || _sizes > (_reference.Size ?? long.MaxValue)))
            throw Refusal.Of(part.File.Name, $"this chunk has {part.File.Size} bytes, which does not fit to the descriptor's chunks of {chunk}.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _part?.Dispose();
        base.Dispose(disposing);
    }

    public override long Length => Bytes ?? throw new NotSupportedException();
    public override long Position { get => _read; set => throw new NotSupportedException(); }
}
