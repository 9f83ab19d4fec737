using System.Security.Cryptography;
using System.Text;

namespace Quarterdeck.Repositories.Crypto;

/// <summary>The key that a person keeps: 256 random bits, written so that they can be typed from paper.</summary>
internal sealed class RepositoryKey
{
    private const string Prefix = "QDK1", Digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Size = 32, Letters = 52, CheckLetters = 4;

    private RepositoryKey(byte[] bytes) => Bytes = bytes;

    public byte[] Bytes { get; }

    public static RepositoryKey New() => new(RandomNumberGenerator.GetBytes(Size));

    /// <summary>Eight hexadecimal digits that name the key without telling it.</summary>
    public string KeyId => Convert.ToHexStringLower(HKDF.DeriveKey(HashAlgorithmName.SHA256, Bytes, 4, info: "quarterdeck key id"u8.ToArray()));

    /// <summary>As <c>QDK1-7K2M-…</c>: Crockford's base 32 and four letters of check.</summary>
    public override string ToString()
    {
        var letters = Encode(Bytes, Letters) + Check(Bytes);
        return Prefix + string.Concat(letters.Chunk(4).Select(group => "-" + new string(group)));
    }

    /// <summary>Reads what a person typed: spaces, dashes and case do not matter, O is 0, I and L are 1. Null when it cannot be right.</summary>
    public static RepositoryKey? Parse(string text)
    {
        var plain = new StringBuilder();
        foreach (var c in text.ToUpperInvariant())
            if (c is not ('-' or ' ' or '\n' or '\r' or '\t')) plain.Append(c);
        var typed = plain.ToString();
        if (!typed.StartsWith(Prefix, StringComparison.Ordinal) || typed.Length != Prefix.Length + Letters + CheckLetters) return null;
        var letters = typed[Prefix.Length..].Replace('O', '0').Replace('I', '1').Replace('L', '1');
        if (letters.Any(c => !Digits.Contains(c))) return null;
        var bytes = Decode(letters[..Letters]);
        return bytes is not null && Check(bytes) == letters[Letters..] ? new RepositoryKey(bytes) : null;
    }

    private static string Check(byte[] bytes) => Encode(SHA256.HashData(bytes), CheckLetters);

    private static string Encode(byte[] bytes, int letters)
    {
        var text = new char[letters];
        for (var i = 0; i < letters; i++)
        {
            var value = 0;
            for (var bit = i * 5; bit < i * 5 + 5; bit++) value = value << 1 | (bit / 8 < bytes.Length ? bytes[bit / 8] >> (7 - bit % 8) & 1 : 0);
            text[i] = Digits[value];
        }
        return new string(text);
    }

    private static byte[]? Decode(string letters)
    {
        var bytes = new byte[Size];
        for (var bit = 0; bit < letters.Length * 5; bit++)
        {
            if ((Digits.IndexOf(letters[bit / 5], StringComparison.Ordinal) >> (4 - bit % 5) & 1) == 0) continue;
            if (bit >= Size * 8) return null;
            bytes[bit / 8] |= (byte)(1 << (7 - bit % 8));
        }
        return bytes;
    }
}
