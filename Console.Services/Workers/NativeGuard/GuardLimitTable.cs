using System.Text;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>The table of limits in the shared file: open addressing by FNV-1a of the key, as native/slots.c searches it.</summary>
internal static unsafe class GuardLimitTable
{
    private const uint Free = 0, Valid = 1, Removed = 2;

    /// <summary>Adds or changes an entry; false when the table is full or the key too long.</summary>
    public static bool Set(byte* file, string key, GuardLimits limits)
    {
        var name = Encoding.ASCII.GetBytes(key);
        if (name.Length is 0 or >= GuardLayout.KeyBytes) return false;
        var entry = Find(file, name, out var place);
        if (entry is null)
        {
            if ((entry = place) is null) return false;
            new Span<byte>(entry + GuardLayout.LimitKey, GuardLayout.KeyBytes).Clear();
            name.CopyTo(new Span<byte>(entry + GuardLayout.LimitKey, GuardLayout.KeyBytes));
        }
        Write(entry, limits);
        Interlocked.Increment(ref *(int*)(file + GuardLayout.LimitsChanged));
        return true;
    }

    /// <summary>Takes an entry out; its place is used again.</summary>
    public static void Remove(byte* file, string key)
    {
        var entry = Find(file, Encoding.ASCII.GetBytes(key), out _);
        if (entry is null) return;
        Volatile.Write(ref *(uint*)entry, Removed);
        Interlocked.Increment(ref *(int*)(file + GuardLayout.LimitsChanged));
    }

    /// <summary>Fills an entry in; it becomes valid last.</summary>
    public static void Write(byte* entry, GuardLimits limits)
    {
        var fields = (int*)entry;
        (fields[1], fields[2], fields[3], fields[4], fields[5]) = (limits.CpuMs, limits.StartupMs, limits.CpuPercent, limits.HeapMiB, limits.BuffersMiB);
        Volatile.Write(ref *(uint*)entry, Valid);
    }

    /// <summary>The key's entry, or null; and the first place where it could go, null when there is none.</summary>
    private static byte* Find(byte* file, ReadOnlySpan<byte> name, out byte* place)
    {
        var hash = 2166136261u;
        foreach (var letter in name) hash = (hash ^ letter) * 16777619u;
        place = null;
        for (var i = 0u; i < GuardLayout.Limits; i++)
        {
            var entry = file + GuardLayout.LimitTable + (long)((hash + i) % GuardLayout.Limits) * GuardLayout.LimitSize;
            var used = *(uint*)entry;
            if (used != Valid && place is null) place = entry;
            if (used == Free) return null;
            var key = new ReadOnlySpan<byte>(entry + GuardLayout.LimitKey, GuardLayout.KeyBytes);
            if (used == Valid && key[..name.Length].SequenceEqual(name) && key[name.Length] == 0) return entry;
        }
        return null;
    }
}
