using System.Buffers;
using System.Runtime.InteropServices;

namespace Quarterdeck.Repositories.Packs;

/// <summary>The memory of a pack that fills. It is not the garbage collector's: that would keep a session's hundred MiB long after its end.</summary>
internal sealed unsafe class PackMemory(int length) : MemoryManager<byte>
{
    private void* _at = NativeMemory.Alloc((nuint)length);

    public override Span<byte> GetSpan() => _at is null ? throw new ObjectDisposedException(nameof(PackMemory)) : new Span<byte>(_at, length);

    /// <summary>It never moves: there is nothing to release.</summary>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length, nameof(elementIndex));
        return new MemoryHandle((byte*)_at + elementIndex);
    }

    public override void Unpin() { }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.Free(_at);
        _at = null;
    }
}
