using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quarterdeck.Workers.Front.Transport;

/// <summary>What can be done with a socket now.</summary>
[Flags]
internal enum IoEvents : uint
{
    Readable = 0x1,
    Writable = 0x4,
    Failed = 0x8,
    HungUp = 0x10,
    /// <summary>The other side sends no more.</summary>
    Ended = 0x2000,
    /// <summary>Told once for each change, not as long as it lasts.</summary>
    Edges = 1u << 31,
}

/// <summary>Tells one thread what happens on many sockets: epoll(7).</summary>
internal sealed unsafe partial class Epoll : IDisposable
{
    /// <summary>Most that one call tells of.</summary>
    public const int Batch = 256;

    private const int CloseOnExec = 0x80000, Add = 1, Modify = 3, Interrupted = 4;

    // The kernel packs the structure on x86-64, and nowhere else.
    private static readonly int Size = RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 12 : 16, DataAt = Size - 8;

    private readonly SafeFileHandle _handle = Create(CloseOnExec) is { IsInvalid: false } made ? made : throw new Win32Exception();
    private readonly byte[] _events = new byte[Batch * Size];

    /// <summary>Follows a socket until it is closed: what comes in, and its end.</summary>
    /// <param name="socket">Which.</param>
    /// <param name="data">Told with each of its events.</param>
    /// <exception cref="Win32Exception">It cannot be followed.</exception>
    public void Follow(SafeSocketHandle socket, long data) => Set(Add, socket, data, 0);

    /// <summary>Tells also when a followed socket takes more, at once if it does now; or does not any more.</summary>
    /// <exception cref="Win32Exception">It is not followed.</exception>
    public void FollowRoom(SafeSocketHandle socket, long data, bool wanted) => Set(Modify, socket, data, wanted ? IoEvents.Writable : 0);

    /// <summary>Waits until something happens; answers how many events there are.</summary>
    /// <exception cref="Win32Exception">It cannot wait.</exception>
    public int Wait()
    {
        fixed (byte* events = _events)
            while (true)
            {
                var count = Wait(_handle, events, Batch, -1);
                if (count >= 0) return count;
                if (Marshal.GetLastPInvokeError() != Interrupted) throw new Win32Exception();
            }
    }

    /// <summary>One event of the last <see cref="Wait()"/>.</summary>
    public (IoEvents Events, long Data) this[int index] =>
        ((IoEvents)MemoryMarshal.Read<uint>(_events.AsSpan(index * Size)), MemoryMarshal.Read<long>(_events.AsSpan(index * Size + DataAt)));

    private void Set(int operation, SafeSocketHandle socket, long data, IoEvents more)
    {
        var entry = stackalloc byte[16];
        *(uint*)entry = (uint)(IoEvents.Readable | IoEvents.Ended | IoEvents.Edges | more);
        *(long*)(entry + DataAt) = data;
        if (Control(_handle, operation, socket, entry) != 0) throw new Win32Exception();
    }

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial SafeFileHandle Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Control(SafeFileHandle epoll, int operation, SafeSocketHandle socket, byte* entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(SafeFileHandle epoll, byte* events, int most, int timeout);
}
