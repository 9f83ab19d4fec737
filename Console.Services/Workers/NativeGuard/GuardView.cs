using System.IO.MemoryMappedFiles;
using System.Text;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>The memory-mapped file that one start of a compute server shares with its guard: limits in, state out.</summary>
/// <remarks>One file belongs to one start of one process. Who writes it besides the console is a process that runs other people's code: whatever is read is checked before use.</remarks>
internal sealed unsafe class GuardView : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _at;
    private readonly Lock _writing = new();

    private GuardView(string path, MemoryMappedFile file)
    {
        (Path, _file) = (path, file);
        _view = file.CreateViewAccessor(0, GuardLayout.FileSize);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _at);
    }

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>Whether the guard holds limits in the process. False until it has started, and when it switched itself off (<see cref="OffReason"/>).</summary>
    public bool IsActive => Int(GuardLayout.State) == 1;

    /// <summary>Why the guard switched itself off in the process, or null.</summary>
    public string? OffReason => Int(GuardLayout.State) == 2 ? Text(GuardLayout.Reason, 128) : null;

    /// <summary>The process that the guard is in; 0 until it started.</summary>
    public int Pid => Int(GuardLayout.Pid);

    /// <summary>Grows about every millisecond while code runs; standing still for long while a turn runs means that the process hangs.</summary>
    public long Beat => Long(GuardLayout.Beat);

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
        var view = new GuardView(path, MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, GuardLayout.FileSize));
        view.Prepare(binary, standard, trusted);
        return view;
    }

    private void Prepare(GuardedBinary binary, GuardLimits standard, int trusted)
    {
        Ref<int>(GuardLayout.Trusted) = trusted;
        Ref<ulong>(GuardLayout.Device) = binary.Identity.Device;
        Ref<ulong>(GuardLayout.Inode) = binary.Identity.Inode;
        Ref<ulong>(GuardLayout.Size) = binary.Identity.Size;
        Ref<ulong>(GuardLayout.ModifiedNs) = binary.Identity.ModifiedNs;
        Ref<int>(GuardLayout.GraceMs) = 500;
        Ref<int>(GuardLayout.WindowMs) = 10_000;
        Ref<int>(GuardLayout.SlackMiB) = 32;
        for (var i = 0; i < binary.Symbols.Count; i++) Ref<ulong>(GuardLayout.Symbols + i * 8) = binary.Symbols[i];
        Ref<int>(GuardLayout.Current) = Ref<int>(GuardLayout.Culprit) = -1;
        GuardLimitTable.Write(_at + GuardLayout.Standard, standard);
        Ref<uint>(8) = GuardLayout.Version;
        Volatile.Write(ref Ref<ulong>(0), GuardLayout.Magic);
    }

    /// <summary>Sets what a worker version may use, from its next turn on; before its code is handed to the process the limits hold from its first step.</summary>
    /// <returns>False when the table is full: the standard limits hold for it.</returns>
    public bool SetLimits(string workerKey, GuardLimits limits)
    {
        lock (_writing) return GuardLimitTable.Set(_at, workerKey, limits);
    }

    /// <summary>Forgets a version that is not deployed any more.</summary>
    public void RemoveLimits(string workerKey)
    {
        lock (_writing) GuardLimitTable.Remove(_at, workerKey);
    }

    /// <summary>Every isolate of a worker that lives now.</summary>
    /// <param name="gone">Also those that went: their counters stay readable until 256 others went after them.</param>
    public List<GuardReading> Read(bool gone = false)
    {
        var used = Math.Clamp(Int(GuardLayout.SlotsUsed), 0, GuardLayout.Slots);
        var readings = new List<GuardReading>(used);
        for (var i = 0; i < used; i++)
            if (SlotAt(i) is { Key.Length: > 0 } reading && (gone || reading.Alive)) readings.Add(reading);
        return readings;
    }

    /// <summary>Whom the end of the process is put on; call after it ended and before the next start. Null when no worker's code ran.</summary>
    /// <param name="outOfMemory">The cgroup ended it: who holds most is to blame, not who happened to run.</param>
    public GuardBlame? Blame(bool outOfMemory = false)
    {
        if (SlotAt(Int(GuardLayout.Culprit)) is { Key.Length: > 0 } culprit) return new(culprit.WorkerKey, $"the guard gave the process up: {Text(GuardLayout.Why, 32)}");
        if (outOfMemory && Read() is { Count: > 0 } all && all.MaxBy(slot => slot.Bytes) is { Bytes: > 0 } largest) return new(largest.WorkerKey, $"it held {largest.Bytes >> 20} MiB when memory ran out");
        return Running is { } running ? new(running, "its code ran when the process ended") : null;
    }

    /// <summary>Lets go of the file and deletes it.</summary>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
        File.Delete(Path);
    }

    private GuardReading? SlotAt(int index)
    {
        if (index is < 0 or >= GuardLayout.Slots) return null;
        var slot = GuardLayout.SlotTable + index * GuardLayout.SlotSize;
        var (isolate, generation) = (Long(slot), Int(slot + GuardLayout.SlotGeneration));
        if (isolate == 0) return null;
        long Counter(int n) => Long(slot + GuardLayout.SlotCounters + n * 8);
        return new GuardReading(index, (uint)generation, Text(slot + GuardLayout.SlotKey, GuardLayout.KeyBytes), Counter(0), TimeSpan.FromTicks(Counter(1) / 100), TimeSpan.FromTicks(Counter(2) / 100),
            Counter(3), Counter(4), Counter(5), Counter(6), Counter(7), Counter(8), Counter(9), Int(slot + GuardLayout.SlotCondemned) != 0, isolate != 1);
    }

    // Keys are ASCII; anything else was not written by the guard and is shown as question marks rather than trusted.
    private string Text(int offset, int size)
    {
        var bytes = new ReadOnlySpan<byte>(_at + offset, size);
        return Encoding.ASCII.GetString(bytes.IndexOf((byte)0) is var end and >= 0 ? bytes[..end] : bytes);
    }

    private ref T Ref<T>(int offset) where T : unmanaged => ref *(T*)(_at + offset);

    private int Int(int offset) => Volatile.Read(ref Ref<int>(offset));

    private long Long(int offset) => Volatile.Read(ref Ref<long>(offset));
}
