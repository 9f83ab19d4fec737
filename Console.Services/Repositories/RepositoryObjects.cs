using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Registry;

namespace Quarterdeck.Repositories;

/// <summary>Room for objects of other rooms in a repository's place, below <c>objects/</c>: beside backups, never among their packs, and no collect touches them.</summary>
/// <remarks>Each object is sealed as the repository's own small ones are: encrypted where the repository is, and told when it was altered.</remarks>
public sealed class RepositoryObjects : IAsyncDisposable
{
    private readonly RepositoryFiles _files;

    private RepositoryObjects(RepositoryFiles files) => _files = files;

    /// <summary>Where it is, for people.</summary>
    public string Location => _files.Store.Location;

    internal static async Task<RepositoryObjects> OpenAsync(RepositoryPlaces places, RepositoryRow row, CancellationToken cancellation)
    {
        var files = await places.OpenAsync(row, cancellation);
        try
        {
            files.ThrowIfAppendOnly("Keeping objects");
            return new RepositoryObjects(files);
        }
        catch
        {
            await files.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes or replaces an object; durable when this returns.</summary>
    /// <param name="name">Below <c>objects/</c>, with slashes; letters, digits and '-'.</param>
    /// <param name="content">A few MiB at most: it is held in memory, more than once.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RepositoryException">It cannot be written.</exception>
    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var full = Full(name);
        return _files.Store.WriteAsync(full, _files.Seal.Close(full, content.Span), cancellation);
    }

    /// <summary>Reads an object; null when there is none.</summary>
    /// <exception cref="RepositoryException">It cannot be read, or was altered.</exception>
    public async Task<byte[]?> ReadAsync(string name, CancellationToken cancellation)
    {
        var full = Full(name);
        return await _files.Store.ReadAsync(full, cancellation) is not { } bytes ? null
            : _files.Seal.Open(full, bytes) ?? throw new RepositoryException(RepositoryFault.Damaged, $"{full} in {Location} was altered, or was sealed with another key.");
    }

    /// <summary>Removes all objects below a folder; answers how many.</summary>
    /// <exception cref="RepositoryException">One cannot be removed.</exception>
    public async Task<int> RemoveFolderAsync(string folder, CancellationToken cancellation)
    {
        var names = new List<string>();
        await foreach (var entry in _files.Store.ListAsync(Full(folder), cancellation)) names.Add(entry.Name);
        foreach (var name in names) await _files.Store.DeleteAsync(name, cancellation);
        return names.Count;
    }

    /// <summary>Closes connections and files.</summary>
    public ValueTask DisposeAsync() => _files.DisposeAsync();

    private static string Full(string name) => $"{Names.Objects}/{name}";
}

/// <summary>Opens <see cref="RepositoryObjects"/>, also on nodes that know nothing else of repositories.</summary>
public sealed class RepositoryObjectPlaces
{
    private readonly RepositoryStore _store;
    private readonly RepositoryPlaces _places;

    internal RepositoryObjectPlaces(RepositoryStore store, RepositoryPlaces places) => (_store, _places) = (store, places);

    /// <summary>Opens a repository's room for objects; dispose it.</summary>
    /// <exception cref="RepositoryException">It does not open, is append-only, or is a folder that this machine does not have.</exception>
    public async Task<RepositoryObjects> OpenAsync(Guid repository, CancellationToken cancellation) => await _store.FindAsync(repository, cancellation) is { } row
        ? await RepositoryObjects.OpenAsync(_places, row, cancellation)
        : throw new RepositoryException(RepositoryFault.Unreachable, $"The repository {repository:D} was forgotten. Add it again.");

    /// <summary>A repository's name; null when there is none of that id.</summary>
    public async Task<string?> NameOfAsync(Guid repository, CancellationToken cancellation) => (await _store.FindAsync(repository, cancellation))?.Name;
}

/// <summary>Registration of what keeps objects in repositories.</summary>
public static class RepositoryObjectServices
{
    /// <summary>Adds it; the whole room brings it, too.</summary>
    public static IServiceCollection AddRepositoryObjects(this IServiceCollection services)
    {
        services.AddOptions<RepositoriesOptions>().BindConfiguration("Quarterdeck:Repositories").ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RepositoriesOptions>, RepositoriesOptionsValidator>());
        services.TryAddSingleton<RepositoryStore>();
        services.TryAddSingleton<RepositoryPlaces>();
        services.TryAddSingleton(p => new RepositoryObjectPlaces(p.GetRequiredService<RepositoryStore>(), p.GetRequiredService<RepositoryPlaces>()));
        return services;
    }
}
