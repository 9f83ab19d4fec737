using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Quarterdeck.Repositories.Crypto;

/// <summary>How content is named, and kept from being read or altered: by hashes alone, or by keys derived from the repository's master key.</summary>
/// <remarks>No nonce can repeat by design: each pack and each small object has a key of its own, derived from its random id or salt, and within a pack the nonce is the record's offset.</remarks>
internal sealed class Seal
{
    public const int TagSize = 16, SaltSize = 16, MacSize = 32;
    private readonly byte[]? _ids, _packs, _objects, _macs;

    /// <param name="master">32 bytes; null for a repository that is not encrypted.</param>
    public Seal(byte[]? master)
    {
        if (master is null) return;
        _ids = Derive(master, "quarterdeck chunk id"u8, []);
        _packs = Derive(master, "quarterdeck pack"u8, []);
        _objects = Derive(master, "quarterdeck object"u8, []);
        _macs = Derive(master, "quarterdeck mac"u8, []);
    }

    public bool Encrypts => _ids is not null;

    /// <summary>Bytes that sealing adds to a record.</summary>
    public int RecordOverhead => Encrypts ? TagSize : 0;

    /// <summary>Two seals that name content alike have equal marks; keyed ones never tell more.</summary>
    public string IdMark => _ids is null ? "sha-256" : Convert.ToHexStringLower(SHA256.HashData(_ids));

    public ChunkId IdOf(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[ChunkId.Size];
        if (_ids is null) SHA256.HashData(content, hash);
        else HMACSHA256.HashData(_ids, content, hash);
        return ChunkId.From(hash);
    }

    /// <summary>Makes the running hash that protects indexes and tables of contents.</summary>
    public IncrementalHash NewMac() => _macs is null ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _macs);

    public byte[] Mac(ReadOnlySpan<byte> content)
    {
        using var mac = NewMac();
        mac.AppendData(content);
        return mac.GetHashAndReset();
    }

    /// <summary>The key of a pack's records; null when nothing is encrypted.</summary>
    public byte[]? PackKey(Guid pack) => _packs is null ? null : Derive(_packs, "record"u8, pack.ToByteArray(bigEndian: true));

    /// <summary>A record's nonce within its pack.</summary>
    public static void RecordNonce(long offset, Span<byte> nonce)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(nonce, offset);
    }

    /// <summary>Seals a small object under its name: altered, cut or exchanged ones do not open.</summary>
    public byte[] Close(string name, ReadOnlySpan<byte> content)
    {
        var header = Header();
        var bound = Bound(header, name);
        if (_objects is null) return [.. header, .. content, .. SHA256.HashData([.. bound, .. content])];
        using var cipher = new AesGcm(Derive(_objects, "seal"u8, header[8..]), TagSize);
        var sealedBytes = new byte[header.Length + content.Length + TagSize];
        header.CopyTo(sealedBytes, 0);
        cipher.Encrypt(new byte[12], content, sealedBytes.AsSpan(header.Length, content.Length), sealedBytes.AsSpan(header.Length + content.Length), bound);
        return sealedBytes;
    }

    /// <summary>Opens a small object; null when it is not what was sealed under that name.</summary>
    public byte[]? Open(string name, ReadOnlySpan<byte> sealedBytes)
    {
        var tail = Encrypts ? TagSize : MacSize;
        if (sealedBytes.Length < 8 + SaltSize + tail || !sealedBytes[..8].SequenceEqual(Magic())) return null;
        var header = sealedBytes[..(8 + SaltSize)].ToArray();
        var content = sealedBytes[header.Length..^tail];
        var bound = Bound(header, name);
        if (_objects is null) return SHA256.HashData([.. bound, .. content]).AsSpan().SequenceEqual(sealedBytes[^tail..]) ? content.ToArray() : null;
        using var cipher = new AesGcm(Derive(_objects, "seal"u8, header[8..]), TagSize);
        var plain = new byte[content.Length];
        try { cipher.Decrypt(new byte[12], content, sealedBytes[^tail..], plain, bound); }
        catch (AuthenticationTagMismatchException) { return null; }
        return plain;
    }

    private byte[] Magic() => [.. "QDOBJ1"u8, (byte)(Encrypts ? 1 : 0), 0];

    private byte[] Header() => [.. Magic(), .. RandomNumberGenerator.GetBytes(SaltSize)];

    private static byte[] Bound(byte[] header, string name) => [.. header, .. Encoding.UTF8.GetBytes(name), 0];

    internal static byte[] Derive(byte[] key, ReadOnlySpan<byte> purpose, byte[] salt) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, 32, salt, purpose.ToArray());
}
