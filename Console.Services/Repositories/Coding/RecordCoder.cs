using System.Buffers;
using System.Security.Cryptography;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Packs;

namespace Quarterdeck.Repositories.Coding;

/// <summary>Between content and records: compresses and encrypts, decrypts, decompresses and checks.</summary>
internal sealed class RecordCoder(Seal seal, int level) : IDisposable
{
    private readonly Zstd _zstd = new(level);

    public Seal Seal => seal;

    /// <summary>Compresses into <paramref name="into"/> when that saves at least a sixteenth; else says that the content goes as it is.</summary>
    public int Compress(ReadOnlySpan<byte> content, Span<byte> into)
    {
        var room = content.Length - content.Length / 16;
        return room < 64 ? 0 : _zstd.Compress(content, into[..room]);
    }

    /// <summary>Writes a whole record of <see cref="RecordPlace.Length"/> bytes.</summary>
    public void Write(Span<byte> record, ChunkId id, ReadOnlySpan<byte> coded, int raw, RecordPlace place, byte[]? packKey)
    {
        PackFormat.WriteRecordHeader(record, id, place.Stored, raw, place.Kind, place.Coding);
        if (packKey is null) { coded.CopyTo(record[PackFormat.RecordHeader..]); return; }
        Span<byte> nonce = stackalloc byte[12];
        Seal.RecordNonce(place.Offset, nonce);
        using var cipher = new AesGcm(packKey, Seal.TagSize);
        cipher.Encrypt(nonce, coded, record.Slice(PackFormat.RecordHeader, coded.Length), record[(PackFormat.RecordHeader + coded.Length)..], record[..PackFormat.RecordHeader]);
    }

    /// <summary>Takes the content out of a record and checks it against its id.</summary>
    /// <returns>Bytes written to <paramref name="into"/>, or -1 when the record is damaged.</returns>
    public int Read(ReadOnlySpan<byte> record, RecordEntry entry, byte[]? packKey, Span<byte> into)
    {
        if (record.Length < PackFormat.RecordHeader || !PackFormat.TryReadRecordHeader(record, out var id, out var raw, out var place)) return -1;
        if (id != entry.Id || record.Length != place.Length || place with { Offset = entry.Place.Offset } != entry.Place || raw > into.Length) return -1;
        var coded = record[PackFormat.RecordHeader..];
        byte[]? decrypted = null;
        try
        {
            if (packKey is not null)
            {
                if (coded.Length <= Seal.TagSize) return -1;
                decrypted = ArrayPool<byte>.Shared.Rent(coded.Length);
                var plain = decrypted.AsSpan(0, coded.Length - Seal.TagSize);
                if (!Decrypt(packKey, entry.Place.Offset, record, plain)) return -1;
                coded = plain;
            }
            if (place.Coding is RecordCoding.Zstd) { if (_zstd.Decompress(coded, into[..raw]) != raw) return -1; }
            else if (coded.Length == raw) coded.CopyTo(into);
            else return -1;
            return seal.IdOf(into[..raw]) == id ? raw : -1;
        }
        finally { if (decrypted is not null) ArrayPool<byte>.Shared.Return(decrypted); }
    }

    /// <summary>Takes a record's coded content out without decompressing, for writing it into another pack; null when it is damaged.</summary>
    public byte[]? Coded(ReadOnlySpan<byte> record, long offset, byte[]? packKey)
    {
        if (packKey is null) return record[PackFormat.RecordHeader..].ToArray();
        var plain = new byte[record.Length - PackFormat.RecordHeader - Seal.TagSize];
        return Decrypt(packKey, offset, record, plain) ? plain : null;
    }

    private static bool Decrypt(byte[] packKey, long offset, ReadOnlySpan<byte> record, Span<byte> plain)
    {
        Span<byte> nonce = stackalloc byte[12];
        Seal.RecordNonce(offset, nonce);
        using var cipher = new AesGcm(packKey, Seal.TagSize);
        try { cipher.Decrypt(nonce, record[PackFormat.RecordHeader..^Seal.TagSize], record[^Seal.TagSize..], plain, record[..PackFormat.RecordHeader]); }
        catch (AuthenticationTagMismatchException) { return false; }
        return true;
    }

    public void Dispose() => _zstd.Dispose();
}
