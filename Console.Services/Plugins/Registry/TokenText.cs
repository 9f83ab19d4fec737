using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Quarterdeck.Plugins.Registry;

/// <summary>Tokens of 256 random bits; only their SHA-256 is stored, which is enough as nobody can guess them.</summary>
internal static class TokenText
{
    public const string Enrolment = "qde_", Plugin = "qdp_";

    public static string New(string prefix) => prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    /// <summary>Compares in the same time for all that differ.</summary>
    public static bool Matches(string token, string? hash) => hash is not null && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Hash(token)), Encoding.ASCII.GetBytes(hash));
}
