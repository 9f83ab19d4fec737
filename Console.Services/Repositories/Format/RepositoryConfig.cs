using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarterdeck.Repositories.Crypto;

namespace Quarterdeck.Repositories.Format;

/// <summary>How the master key lies in the repository: encrypted with the key that a person keeps.</summary>
internal sealed record WrappedKey(string Cipher, string KeyId, byte[] Salt, byte[] Sealed);

/// <summary>What makes a folder or bucket a repository: <c>quarterdeck-repository.json</c>.</summary>
internal sealed record RepositoryConfig(string Format, int Version, Guid Id, DateTimeOffset CreatedAt, int ChunkSize, int FanOut, int PackBytes, bool AppendOnly, WrappedKey? Encryption)
{
    public const string FormatName = "quarterdeck-backup-repository", Cipher = "aes-256-gcm";
    public const int CurrentVersion = 1;

    /// <summary>Features without which the repository cannot be used; an unknown one refuses it.</summary>
    public IReadOnlyList<string> Requires { get; init; } = [];

    /// <summary>Describes a new repository, and its master key.</summary>
    public static (RepositoryConfig Config, byte[]? Master) New(Guid id, DateTimeOffset createdAt, int packBytes, bool appendOnly, RepositoryKey? key)
    {
        var config = new RepositoryConfig(FormatName, CurrentVersion, id, createdAt, Repository.ChunkSize, Trees.TreeShape.FanOut, packBytes, appendOnly, null);
        if (key is null) return (config, null);
        var master = RandomNumberGenerator.GetBytes(32);
        var salt = RandomNumberGenerator.GetBytes(Seal.SaltSize);
        var wrapped = new byte[master.Length + Seal.TagSize];
        using var cipher = new AesGcm(Seal.Derive(key.Bytes, "quarterdeck wrap"u8, salt), Seal.TagSize);
        cipher.Encrypt(new byte[12], master, wrapped.AsSpan(0, master.Length), wrapped.AsSpan(master.Length), config.Bound());
        return (config with { Encryption = new WrappedKey(Cipher, key.KeyId, salt, wrapped) }, master);
    }

    /// <summary>Unwraps the master key; null when the repository is not encrypted.</summary>
    /// <exception cref="RepositoryException">Wrong key.</exception>
    public byte[]? Unwrap(RepositoryKey? key)
    {
        if (Encryption is null) return null;
        if (key is null) throw new RepositoryException(RepositoryFault.WrongKey, $"It is encrypted with the key {Encryption.KeyId}. Give that key; it is on the recovery sheet.");
        if (Encryption.Sealed.Length != 32 + Seal.TagSize) throw new RepositoryException(RepositoryFault.WrongFormat, "Its wrapped key is damaged. Restore quarterdeck-repository.json from a copy.");
        var master = new byte[32];
        using var cipher = new AesGcm(Seal.Derive(key.Bytes, "quarterdeck wrap"u8, Encryption.Salt), Seal.TagSize);
        try { cipher.Decrypt(new byte[12], Encryption.Sealed.AsSpan(0, 32), Encryption.Sealed.AsSpan(32), master, Bound()); }
        catch (AuthenticationTagMismatchException e)
        {
            throw new RepositoryException(RepositoryFault.WrongKey, key.KeyId == Encryption.KeyId
                ? "The key is right, but quarterdeck-repository.json was altered. Restore it from a copy."
                : $"It needs the key {Encryption.KeyId}; the one given is {key.KeyId}. Look for the recovery sheet of the repository {Id:D}.", e);
        }
        return master;
    }

    private byte[] Bound() => Encoding.UTF8.GetBytes($"{Format}|{Version}|{Id:D}|{ChunkSize}|{FanOut}|{AppendOnly}|{string.Join(',', Requires)}");

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, new JsonSerializerOptions(Json.Options) { WriteIndented = true });

    /// <summary>Reads and checks it.</summary>
    /// <exception cref="RepositoryException">Not a repository, or one of another version.</exception>
    public static RepositoryConfig Read(byte[] bytes)
    {
        RepositoryConfig? config;
        try { config = JsonSerializer.Deserialize<RepositoryConfig>(bytes, Json.Options); }
        catch (JsonException e) { throw Wrong("quarterdeck-repository.json cannot be read. Restore it from a copy.", e); }
        if (config is null || config.Format != FormatName) throw Wrong("quarterdeck-repository.json does not describe a backup repository.");
        if (config.Version > CurrentVersion) throw Wrong($"It has format version {config.Version}; this console knows up to {CurrentVersion}. Update the console.");
        if (config.Version < 1) throw Wrong($"Format version {config.Version} was never in use.");
        if (config.Requires is { Count: > 0 } features) throw Wrong($"It needs '{string.Join("', '", features)}', which this console does not know. Update the console.");
        if (config.ChunkSize != Repository.ChunkSize || config.FanOut != Trees.TreeShape.FanOut || config.PackBytes is < 1 << 16 or > 1 << 30 || config.Id == Guid.Empty) throw Wrong("quarterdeck-repository.json has values that version 1 does not allow.");
        return config.Encryption is { } encryption && encryption.Cipher != Cipher ? throw Wrong($"It is encrypted with '{encryption.Cipher}', which this console does not know. Update the console.") : config;
    }

    private static RepositoryException Wrong(string detail, Exception? inner = null) => new(RepositoryFault.WrongFormat, detail, inner);
}
