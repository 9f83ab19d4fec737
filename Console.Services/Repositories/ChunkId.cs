using System.Buffers.Binary;

namespace Quarterdeck.Repositories;

/// <summary>Names 64 KiB of disk content, or a node of a disk index: SHA-256, or HMAC-SHA256 with the repository's own key when it is encrypted.</summary>
/// <remarks>The default value names a chunk of nothing but zeros, which is never stored.</remarks>
public readonly record struct ChunkId : IComparable<ChunkId>
{
    /// <summary>Bytes of an id.</summary>
    public const int Size = 32;

    private readonly ulong _a, _b, _c, _d;

    private ChunkId(ulong a, ulong b, ulong c, ulong d) => (_a, _b, _c, _d) = (a, b, c, d);

    /// <summary>A chunk of nothing but zeros.</summary>
    public static ChunkId Zero => default;

    /// <summary>Whether this is <see cref="Zero"/>.</summary>
    public bool IsZero => (_a | _b | _c | _d) == 0;

    /// <summary>The first eight bytes as a number; ids are spread evenly over it.</summary>
    internal ulong Prefix => _a;

    /// <summary>Takes an id from its first 32 bytes.</summary>
    public static ChunkId From(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]));

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <exception cref="FormatException">It is not that.</exception>
    public static ChunkId Parse(string hex) => hex.Length == Size * 2 ? From(Convert.FromHexString(hex)) : throw new FormatException("A chunk id has 64 hexadecimal digits.");

    /// <summary>Writes its 32 bytes.</summary>
    public void CopyTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _a);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], _d);
    }

    /// <summary>Order of the bytes.</summary>
    public int CompareTo(ChunkId other)
    {
        if (_a != other._a) return _a.CompareTo(other._a);
        if (_b != other._b) return _b.CompareTo(other._b);
        return _c != other._c ? _c.CompareTo(other._c) : _d.CompareTo(other._d);
    }

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}

/// <summary>The top of a disk's index: two disks of one size with equal roots have the same content.</summary>
/// <param name="Top">The top node; zero for a disk of nothing but zeros.</param>
public readonly record struct RootHash(ChunkId Top)
{
    /// <inheritdoc/>
    public override string ToString() => Top.ToString();
}

/// <summary>A chunk in which two disks differ.</summary>
/// <param name="Chunk">Its place, in units of <see cref="Repository.ChunkSize"/>.</param>
/// <param name="From">What the first disk has there.</param>
/// <param name="To">What the second disk has there; zero beyond its end.</param>
public readonly record struct ChunkDifference(long Chunk, ChunkId From, ChunkId To);
