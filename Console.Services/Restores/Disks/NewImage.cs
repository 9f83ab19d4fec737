using Microsoft.Win32.SafeHandles;
using Quarterdeck.Hosts;
using Quarterdeck.Platform.Interop;

namespace Quarterdeck.Restores.Disks;

/// <summary>A new disk image, written directly: it is nobody's yet, so no disk server is needed between.</summary>
/// <remarks>Several threads may write. What was not written reads as zeroes. Cut off, a qcow2 image has no header and is no image.</remarks>
internal sealed class NewImage : IDisposable
{
    private readonly Qcow2Writer? _qcow2;
    private readonly SafeFileHandle? _raw;
    private readonly WriteBack? _writeBack;

    /// <param name="path">The file; what it holds is lost, who owns it stays.</param>
    /// <param name="format"><c>qcow2</c> or <c>raw</c>.</param>
    /// <param name="sizeBytes">What the guest sees.</param>
    public NewImage(string path, string format, long sizeBytes)
    {
        if (format == "qcow2")
        {
            _qcow2 = new Qcow2Writer(path, sizeBytes);
            return;
        }
        _raw = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        RandomAccess.SetLength(_raw, 0);
        RandomAccess.SetLength(_raw, sizeBytes);
        _writeBack = new WriteBack(_raw);
    }

    /// <summary>Writes at a chunk's beginning; each place once.</summary>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (_qcow2 is not null)
        {
            _qcow2.Write(offset, data);
            return;
        }
        RandomAccess.Write(_raw!, data, offset);
        _writeBack!.Reached(offset);
    }

    /// <summary>Ends it; durable when this returns.</summary>
    public void Finish()
    {
        if (_qcow2 is not null) _qcow2.Finish();
        else RandomAccess.FlushToDisk(_raw!);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _qcow2?.Dispose();
        _writeBack?.Dispose();
        _raw?.Dispose();
    }
}
