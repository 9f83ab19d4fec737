using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The digests that a package's <c>.mf</c> file names.</summary>
/// <param name="FileName">Name of the manifest itself.</param>
/// <param name="Bytes">Its bytes, which a signature covers.</param>
/// <param name="Entries">Algorithm and digest of each file.</param>
internal sealed partial record Manifest(string FileName, byte[] Bytes, IReadOnlyDictionary<string, (HashAlgorithmName Algorithm, byte[] Digest)> Entries)
{
    public const int MaxBytes = 1 << 20;

    /// <summary>Everything a manifest may name, computed when it may come after the files.</summary>
    public static readonly IReadOnlyList<HashAlgorithmName> Algorithms = [HashAlgorithmName.SHA256, HashAlgorithmName.SHA1, HashAlgorithmName.SHA512];

    [GeneratedRegex(@"^(SHA-?1|SHA-?256|SHA-?512) ?\((?<file>[^()]{1,255})\) ?= ?(?<digest>[0-9a-fA-F]{40,128})$")]
    private static partial Regex Line();

    public static Manifest Parse(string fileName, byte[] bytes)
    {
        var entries = new Dictionary<string, (HashAlgorithmName, byte[])>(StringComparer.Ordinal);
        foreach (var line in Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var match = Line().Match(line);
            if (!match.Success) throw Refusal.Of(fileName, $"a line in it is not understood: {Refusal.Printable(line)}.");
            var algorithm = Algorithm(match.Groups[1].Value);
            var digest = match.Groups["digest"].Value;
            if (digest.Length != 2 * Length(algorithm)) throw Refusal.Of(fileName, $"the digest of {Refusal.Printable(match.Groups["file"].Value)} has the wrong length.");
            if (!entries.TryAdd(match.Groups["file"].Value, (algorithm, Convert.FromHexString(digest)))) throw Refusal.Of(fileName, $"it names {Refusal.Printable(match.Groups["file"].Value)} twice.");
        }
        if (entries.Count == 0) throw Refusal.Of(fileName, "it names no file.");
        return new Manifest(fileName, bytes, entries);
    }

    public static HashAlgorithmName Algorithm(string name) => name.Replace("-", "", StringComparison.Ordinal) switch
    {
        "SHA1" => HashAlgorithmName.SHA1,
        "SHA256" => HashAlgorithmName.SHA256,
        _ => HashAlgorithmName.SHA512,
    };

    private static int Length(HashAlgorithmName algorithm) => algorithm == HashAlgorithmName.SHA1 ? 20 : algorithm == HashAlgorithmName.SHA256 ? 32 : 64;

    /// <summary>The algorithms a file must be digested with.</summary>
    public IReadOnlyList<HashAlgorithmName> AlgorithmsOf(string file) => Entries.TryGetValue(file, out var entry) ? [entry.Algorithm] : [];

    /// <summary>Whether a file that was read is named here, and with this digest.</summary>
    public void Verify(string file, IReadOnlyDictionary<HashAlgorithmName, byte[]> found)
    {
        if (!Entries.TryGetValue(file, out var entry)) throw Refusal.Of(file, $"the manifest {FileName} does not cover it.");
        if (!CryptographicOperations.FixedTimeEquals(found[entry.Algorithm], entry.Digest)) throw Refusal.Of(file, $"its {entry.Algorithm} digest differs from the manifest: it was damaged or changed.");
    }

    /// <summary>Whether every file named here was read.</summary>
    public void VerifyWhole(IReadOnlyCollection<string> read)
    {
        if (Entries.Keys.FirstOrDefault(f => !read.Contains(f)) is { } missing) throw Refusal.Of(missing, $"the manifest {FileName} names it, but it is not in the package.");
    }
}
