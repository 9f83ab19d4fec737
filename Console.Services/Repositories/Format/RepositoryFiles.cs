using System.Text.Json;
using Quarterdeck.Repositories.Coding;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Repositories.Format;

/// <summary>What a new repository shall be like.</summary>
internal sealed record NewRepository(bool AppendOnly = false, int PackBytes = RepositoryFiles.DefaultPackBytes);

/// <summary>An opened repository without a session: its configuration, its keys, and its small objects.</summary>
internal sealed class RepositoryFiles : IAsyncDisposable
{
    public const int DefaultPackBytes = 32 << 20, CompressionLevel = 1;

    private RepositoryFiles(IObjectStore store, RepositoryConfig config, byte[]? master)
    {
        (Store, Config, Seal) = (store, config, new Seal(master));
        Coder = new RecordCoder(Seal, CompressionLevel);
    }

    public IObjectStore Store { get; }

    public RepositoryConfig Config { get; }

    public Seal Seal { get; }

    public RecordCoder Coder { get; }

    /// <summary>Makes a repository where there is none.</summary>
    /// <exception cref="RepositoryException">There is one.</exception>
    public static async Task<RepositoryFiles> CreateAsync(IObjectStore store, NewRepository options, RepositoryKey? key, TimeProvider time, CancellationToken cancellation)
    {
        var (config, master) = RepositoryConfig.New(Guid.NewGuid(), time.GetUtcNow(), options.PackBytes, options.AppendOnly, key);
        if (!await store.CreateAsync(Names.Config, config.Write(), cancellation)) throw new RepositoryException(RepositoryFault.Locked, $"{store.Location} holds a repository already. Add it as it is, or choose another place.");
        return new RepositoryFiles(store, config, master);
    }

    /// <summary>Reads the configuration; null when there is no repository.</summary>
    public static async Task<RepositoryConfig?> FindAsync(IObjectStore store, CancellationToken cancellation) =>
        await store.ReadAsync(Names.Config, cancellation) is { } bytes ? RepositoryConfig.Read(bytes) : null;

    /// <summary>Opens what is there.</summary>
    /// <exception cref="RepositoryException">Nothing is there, or the key or the format is wrong.</exception>
    public static async Task<RepositoryFiles> OpenAsync(IObjectStore store, RepositoryKey? key, CancellationToken cancellation)
    {
        var config = await FindAsync(store, cancellation) ?? throw new RepositoryException(RepositoryFault.WrongFormat, $"{store.Location} holds no repository: quarterdeck-repository.json is missing.");
        return new RepositoryFiles(store, config, config.Unwrap(key));
    }

    /// <summary>Writes a small object, sealed.</summary>
    public Task WriteAsync<T>(string name, T content, CancellationToken cancellation) => Store.WriteAsync(name, Seal.Close(name, JsonSerializer.SerializeToUtf8Bytes(content, Json.Options)), cancellation);

    /// <summary>Makes a small object unless there is one.</summary>
    public Task<bool> CreateAsync<T>(string name, T content, CancellationToken cancellation) => Store.CreateAsync(name, Seal.Close(name, JsonSerializer.SerializeToUtf8Bytes(content, Json.Options)), cancellation);

    /// <summary>Reads a small object; null when it is missing.</summary>
    /// <exception cref="RepositoryException">It was altered.</exception>
    public async Task<T?> ReadAsync<T>(string name, CancellationToken cancellation) where T : class
    {
        if (await Store.ReadAsync(name, cancellation) is not { } bytes) return null;
        try
        {
            if (Seal.Open(name, bytes) is { } content) return JsonSerializer.Deserialize<T>(content, Json.Options);
        }
        catch (JsonException) { /* As damaged as one that does not open. */ }
        throw new RepositoryException(RepositoryFault.Damaged, $"{name} was altered, or was sealed with another key.");
    }

    /// <summary>Names of the objects in a folder whose names end in an id.</summary>
    public async Task<IReadOnlyList<Guid>> IdsAsync(string folder, CancellationToken cancellation)
    {
        var ids = new List<Guid>();
        await foreach (var entry in Store.ListAsync(folder, cancellation))
            if (Names.IdOf(entry.Name) is { } id) ids.Add(id);
        return ids;
    }

    /// <summary>Refuses what an append-only repository does not allow.</summary>
    public void ThrowIfAppendOnly(string what)
    {
        if (Config.AppendOnly) throw new RepositoryException(RepositoryFault.AppendOnly, $"{what} is refused: it was made so that nothing in it can be removed.");
    }

    public async ValueTask DisposeAsync()
    {
        Coder.Dispose();
        await Store.DisposeAsync();
    }
}
