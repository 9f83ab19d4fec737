using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Extensions.Logging;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Secrets.KeyRing;

/// <summary>The key that encrypts the key ring: 32 random bytes in a file, or a passphrase in one. It is never in the database.</summary>
internal sealed partial class MasterKey(ConsoleOptions options, Db db, ILogger<MasterKey> logger)
{
    private const int Iterations = 600_000; // PBKDF2-HMAC-SHA256, about 0.2 s: a passphrase is worth guessing
    private const int Shortest = 16;
    private const int SaltBytes = 16;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, byte[]> _derived = [];
    private byte[]? _secret;
    private bool _random;

    /// <summary>Where it is.</summary>
    public string File => options.KeyFile ?? Path.Combine(options.DataFolder, "secrets.key");

    /// <summary>A salt for what is encrypted next; the same for all of it, because deriving is slow.</summary>
    public byte[] Salt()
    {
        lock (_gate) return _derived.Count > 0 ? Convert.FromHexString(_derived.Keys.First()) : RandomNumberGenerator.GetBytes(SaltBytes);
    }

    /// <summary>The 32-byte key for a salt, and its public name, which tells keys apart without telling anything else.</summary>
    /// <exception cref="SecretUnreadableException">There is no key file, or it is unfit.</exception>
    public (byte[] Key, string Name) Derive(byte[] salt)
    {
        lock (_gate)
        {
            _secret ??= Load();
            var hex = Convert.ToHexString(salt);
            if (!_derived.TryGetValue(hex, out var key))
            {
                _derived[hex] = key = _random
                    ? HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, 32, salt, "quarterdeck key ring"u8.ToArray())
                    : Rfc2898DeriveBytes.Pbkdf2(_secret, salt, Iterations, HashAlgorithmName.SHA256, 32);
            }
            return (key, Convert.ToHexStringLower(HKDF.Expand(HashAlgorithmName.SHA256, key, 6, "name"u8.ToArray())));
        }
    }

    private byte[] Load()
    {
        if (!System.IO.File.Exists(File))
        {
            if (options.KeyFile is not null) throw new SecretUnreadableException($"QUARTERDECK_KEY_FILE: there is no file '{File}'. Example: openssl rand -base64 32 > {File} && chmod 600 {File}");
            Create();
        }
        if ((System.IO.File.GetUnixFileMode(File) & Others) != 0)
        {
            if (options.KeyFile is null) throw new SecretUnreadableException($"The key file '{File}' may be read by other users. Run: chmod 600 {File}");
            Log.OpenToOthers(logger, File); // mounted secrets often are
        }
        var text = System.IO.File.ReadAllText(File).Trim();
        var random = new byte[32];
        _random = Convert.TryFromBase64String(text, random, out var length) && length == 32;
        if (!_random && text.Length < Shortest)
            throw new SecretUnreadableException($"The key file '{File}' holds neither 32 bytes in base64 nor a passphrase of at least {Shortest} characters. Example: openssl rand -base64 32 > {File}");
        return _random ? random : Encoding.UTF8.GetBytes(text);
    }

    private void Create()
    {
        using (var connection = db.Source.OpenConnection())
            if (connection.ExecuteScalar<long>("SELECT COUNT(*) FROM protection_keys") > 0)
                throw new SecretUnreadableException($"The key file '{File}' is missing, and this database holds secrets that were encrypted with it. Restore the file from a backup, copy it from another node, or name it with QUARTERDECK_KEY_FILE.");
        try
        {
            using var file = new FileStream(File, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + "\n"));
            file.Flush(flushToDisk: true);
            Log.Created(logger, File);
        }
        catch (IOException) when (System.IO.File.Exists(File))
        {
            // Another process of this data folder was first.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Made the key file {File}. Back it up apart from the database: stored secrets cannot be read without it.")]
        public static partial void Created(ILogger logger, string file);

        [LoggerMessage(LogLevel.Warning, "The key file {File} may be read by other users of this machine.")]
        public static partial void OpenToOthers(ILogger logger, string file);
    }
}
