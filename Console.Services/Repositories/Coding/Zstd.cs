using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Quarterdeck.Repositories.Coding;

/// <summary>The system's libzstd. Contexts are kept and used again: making one costs more than compressing a chunk.</summary>
internal sealed partial class Zstd : IDisposable
{
    private const string Library = "libzstd.so.1";
    private readonly int _level;
    private readonly ConcurrentBag<nint> _compressors = [], _decompressors = [];

    public Zstd(int level) => _level = level;

    /// <summary>Compresses; 0 when it does not fit into <paramref name="into"/>, which is how "does not pay" is asked.</summary>
    public unsafe int Compress(ReadOnlySpan<byte> content, Span<byte> into)
    {
        if (!_compressors.TryTake(out var context)) context = CreateCompressor();
        fixed (byte* from = content, to = into)
        {
            var size = CompressWith(context, to, (nuint)into.Length, from, (nuint)content.Length, _level);
            _compressors.Add(context);
            return IsError(size) != 0 ? 0 : (int)size;
        }
    }

    /// <summary>Decompresses; the bytes written, or -1 when it is damaged or larger than <paramref name="into"/>.</summary>
    public unsafe int Decompress(ReadOnlySpan<byte> compressed, Span<byte> into)
    {
        if (!_decompressors.TryTake(out var context)) context = CreateDecompressor();
        fixed (byte* from = compressed, to = into)
        {
            var size = DecompressWith(context, to, (nuint)into.Length, from, (nuint)compressed.Length);
            _decompressors.Add(context);
            return IsError(size) != 0 ? -1 : (int)size;
        }
    }

    public void Dispose()
    {
        while (_compressors.TryTake(out var context)) FreeCompressor(context);
        while (_decompressors.TryTake(out var context)) FreeDecompressor(context);
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    private static partial nint CreateCompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    private static partial nuint FreeCompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    private static partial nint CreateDecompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    private static partial nuint FreeDecompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_compressCCtx")]
    private static unsafe partial nuint CompressWith(nint context, byte* to, nuint room, byte* from, nuint size, int level);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    private static unsafe partial nuint DecompressWith(nint context, byte* to, nuint room, byte* from, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);
}
