using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>The file that one start of a compute server shares with its guard, which maps it into memory: limits in, state out.</summary>
/// <remarks>
/// One file belongs to one start of one process. Who writes it besides the console is a process that runs other people's code, so the console maps
/// nothing (a file that is cut short under a mapping ends whoever looks) and checks what it reads. Safe on any thread, also beside <see cref="Dispose"/>: then all is empty.
/// </remarks>
internal sealed class GuardView : IDisposable
{
    private const int Crowd = 64;
    private const long CrowdBytes = 32 << 20;

    private readonly SafeFileHandle _file;
    private readonly GuardLimitTable _limits;
    private readonly Lock _writing = new();
    private int _collects;

    private GuardView(string path, SafeFileHandle file) => (Path, _file, _limits) = (path, file, new GuardLimitTable(file));

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>Whether the guard holds limits in the process. False until it has started, and when it switched itself off (<see cref="OffReason"/>).</summary>
    public bool IsActive => Int(GuardLayout.State) == 1;

    /// <summary>Why the guard switched itself off in the process, or null.</summary>
    public string? OffReason => Int(GuardLayout.State) == 2 ? Text(GuardLayout.Reason, 128) : null;

    /// <summary>The process that the guard is in; 0 until it started.</summary>
    public int Pid => Int(GuardLayout.Pid);

    /// <summary>Grows about every millisecond while code runs; standing still for long while a turn runs means that the process hangs.</summary>
    public long Beat
    {
        get
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            return TryRead(GuardLayout.Beat, bytes) ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;
        }
    }

    /// <summary>The worker version whose code runs at this moment, or null.</summary>
    public string? Running => SlotAt(Int(GuardLayout.Current)) is { Key.Length: > 0 } slot ? slot.WorkerKey : null;

    /// <summary>Makes the file for one start of a process, before the start.</summary>
    /// <param name="path">A new file (an old one is replaced), readable and writable by the process's user.</param>
    /// <param name="binary">What <see cref="GuardState.Binary"/> says.</param>
    /// <param name="standard">For isolates of which nothing else is known.</param>
    /// <param name="trusted">How many isolates the process makes of the console's own code before the first of a worker.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public static GuardView Create(string path, GuardedBinary binary, GuardLimits standard, int trusted = 1)
    {
        File.Delete(path);
        using (var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        })) stream.SetLength(GuardLayout.FileSize);
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(file, Head(binary, standard, trusted), 0);
        return new GuardView(path, file);
    }

    /// <summary>Sets what a worker version may use, from its next turn on; before its code is handed to the process the limits hold from its first step.</summary>
    /// <returns>False when the table is full: the standard limits hold for it.</returns>
    public bool SetLimits(string workerKey, GuardLimits limits)
    {
        lock (_writing) return !_file.IsClosed && _limits.Set(workerKey, limits);
    }

    /// <summary>Lets the process give back what unloaded isolates held, after the next turn of the console's own code in it.</summary>
    public void Collect()
    {
        lock (_writing)
            if (!_file.IsClosed) _limits.WriteInt(GuardLayout.Collect, ++_collects);
    }

    /// <summary>Forgets a version that is not deployed any more.</summary>
    public void RemoveLimits(string workerKey)
    {
        lock (_writing)
            if (!_file.IsClosed) _limits.Remove(workerKey);
    }

    /// <summary>Every isolate of a worker that lives now.</summary>
    /// <param name="gone">Also those that went: their counters stay readable until 256 others went after them.</param>
    public List<GuardReading> Read(bool gone = false)
    {
        var used = Math.Clamp(Int(GuardLayout.SlotsUsed), 0, GuardLayout.Slots);
        var readings = new List<GuardReading>(used);
        var size = used * GuardLayout.SlotSize;
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(size, 1));
        try
        {
            if (!TryRead(GuardLayout.SlotTable, buffer.AsSpan(0, size))) return readings;
            for (var i = 0; i < used; i++)
                if (Parse(i, buffer.AsSpan(i * GuardLayout.SlotSize, GuardLayout.SlotSize)) is { Key.Length: > 0 } reading && (gone || reading.Alive)) readings.Add(reading);
            return readings;
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    /// <summary>Whom the end of the process is put on; call after it ended and before the next start. Null when no worker's code ran.</summary>
    /// <param name="outOfMemory">The cgroup ended it: who holds most is to blame, not who happened to run.</param>
    public GuardBlame? Blame(bool outOfMemory = false)
    {
        if (SlotAt(Int(GuardLayout.Culprit)) is { Key.Length: > 0 } culprit) return new(culprit.WorkerKey, $"the guard gave the process up: {Text(GuardLayout.Why, 32)}");
        if (outOfMemory && Read() is { Count: > 0 } all && all.MaxBy(slot => slot.Bytes) is { Bytes: > 0 } largest)
        {
            // So many that each has little: they are too many, and none of them did it.
            if (all.Count > Crowd && largest.Bytes < CrowdBytes) return null;
            return new(largest.WorkerKey, $"it held {largest.Bytes >> 20} MiB when memory ran out");
        }
        return Running is { } running ? new(running, "its code ran when the process ended") : null;
    }

    /// <summary>Lets go of the file and deletes it.</summary>
    public void Dispose()
    {
        lock (_writing) _file.Dispose();
        File.Delete(Path);
    }

    private static byte[] Head(GuardedBinary binary, GuardLimits standard, int trusted)
    {
        var head = new byte[GuardLayout.LimitTable];
        void Long(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(at), value);
        void Int(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(at), value);
        Long(0, GuardLayout.Magic);
        Int(8, (int)GuardLayout.Version);
        Int(GuardLayout.Trusted, trusted);
        Long(GuardLayout.Device, binary.Identity.Device);
        Long(GuardLayout.Inode, binary.Identity.Inode);
        Long(GuardLayout.Size, binary.Identity.Size);
        Long(GuardLayout.ModifiedNs, binary.Identity.ModifiedNs);
        Int(GuardLayout.GraceMs, 500);
        Int(GuardLayout.WindowMs, 10_000);
        Int(GuardLayout.SlackMiB, 32);
        for (var i = 0; i < binary.Symbols.Count; i++) Long(GuardLayout.Symbols + i * 8, binary.Symbols[i]);
        Int(GuardLayout.Current, -1);
        Int(GuardLayout.Culprit, -1);
        GuardLimitTable.Write(head.AsSpan(GuardLayout.Standard), standard);
        return head;
    }

    private GuardReading? SlotAt(int index)
    {
        if (index is < 0 or >= GuardLayout.Slots) return null;
        Span<byte> slot = stackalloc byte[GuardLayout.SlotSize];
        return TryRead(GuardLayout.SlotTable + (long)index * GuardLayout.SlotSize, slot) ? Parse(index, slot) : null;
    }

    private static GuardReading? Parse(int index, ReadOnlySpan<byte> slot)
    {
        var isolate = BinaryPrimitives.ReadInt64LittleEndian(slot);
        if (isolate == 0) return null;
        Span<long> counter = stackalloc long[10];
        for (var i = 0; i < counter.Length; i++) counter[i] = BinaryPrimitives.ReadInt64LittleEndian(slot[(GuardLayout.SlotCounters + i * 8)..]);
        return new GuardReading(index, BinaryPrimitives.ReadUInt32LittleEndian(slot[GuardLayout.SlotGeneration..]), Text(slot.Slice(GuardLayout.SlotKey, GuardLayout.KeyBytes)),
            counter[0], TimeSpan.FromTicks(counter[1] / 100), TimeSpan.FromTicks(counter[2] / 100), counter[3], counter[4], counter[5], counter[6], counter[7], counter[8], counter[9],
            BinaryPrimitives.ReadInt32LittleEndian(slot[GuardLayout.SlotCondemned..]) != 0, isolate != 1);
    }

    private string Text(int offset, int size)
    {
        Span<byte> bytes = stackalloc byte[size];
        return TryRead(offset, bytes) ? Text(bytes) : "";
    }

    // ASCII; anything else was not written by the guard and is shown as question marks rather than trusted.
    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes.IndexOf((byte)0) is var end and >= 0 ? bytes[..end] : bytes);

    private int Int(int offset)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        return TryRead(offset, bytes) ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : -1;
    }

    private bool TryRead(long offset, Span<byte> into)
    {
        try { return RandomAccess.Read(_file, into, offset) == into.Length; }
        catch (ObjectDisposedException) { return false; }
    }
}
