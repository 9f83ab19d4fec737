using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>The table of limits in the shared file: open addressing by FNV-1a of the key, as native/slots.c searches it. What is in it is known here, so nothing that the process may have written is read.</summary>
internal sealed class GuardLimitTable(SafeFileHandle file)
{
    private const byte Valid = 1, Removed = 2; // 0 is free

    private readonly Dictionary<string, int> _places = [];
    private readonly byte[] _states = new byte[GuardLayout.Limits];
    private int _changes;

    /// <summary>Adds or changes an entry; false when the table is full or the key too long.</summary>
    public bool Set(string key, GuardLimits limits)
    {
        if (key.Length is 0 or >= GuardLayout.KeyBytes || !Ascii.IsValid(key)) return false;
        var known = _places.TryGetValue(key, out var place);
        if (!known && !TryFind(key, out place)) return false;
        Span<byte> entry = stackalloc byte[GuardLayout.LimitSize];
        Write(entry, limits);
        Encoding.ASCII.GetBytes(key, entry[GuardLayout.LimitKey..]);
        // All but the state, which makes it valid, last.
        RandomAccess.Write(file, entry[sizeof(int)..], At(place) + sizeof(int));
        if (!known) Become(place, Valid);
        _places[key] = place;
        Tell();
        return true;
    }

    /// <summary>Takes an entry out; its place is used again.</summary>
    public void Remove(string key)
    {
        if (!_places.Remove(key, out var place)) return;
        Become(place, Removed);
        Tell();
    }

    /// <summary>Fills in a valid entry without its key.</summary>
    public static void Write(Span<byte> entry, GuardLimits limits)
    {
        ReadOnlySpan<int> fields = [Valid, limits.CpuMs, limits.StartupMs, limits.CpuPercent, limits.HeapMiB, limits.BuffersMiB];
        for (var i = 0; i < fields.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(entry[(i * sizeof(int))..], fields[i]);
    }

    private static long At(int place) => GuardLayout.LimitTable + (long)place * GuardLayout.LimitSize;

    private bool TryFind(string key, out int place)
    {
        var hash = 2166136261u;
        foreach (var letter in key) hash = (hash ^ letter) * 16777619u;
        for (var i = 0u; i < GuardLayout.Limits; i++)
        {
            place = (int)((hash + i) % GuardLayout.Limits);
            if (_states[place] is not Valid) return true;
        }
        place = 0;
        return false;
    }

    private void Become(int place, byte state)
    {
        _states[place] = state;
        WriteInt(At(place), state);
    }

    private void Tell() => WriteInt(GuardLayout.LimitsChanged, ++_changes);

    public void WriteInt(long at, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        RandomAccess.Write(file, bytes, at);
    }
}
