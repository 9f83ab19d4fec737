using Quarterdeck.Platform;
using Quarterdeck.Repositories.Registry;

namespace Quarterdeck.Repositories;

/// <summary>Opens configured repositories for the rooms above, which have asked for permission already.</summary>
public sealed class RepositoryConnections
{
    private readonly RepositoryStore _store;
    private readonly RepositoryPlaces _places;
    private readonly RepositoryWatch _watch;
    private readonly TimeProvider _time;

    internal RepositoryConnections(RepositoryStore store, RepositoryPlaces places, RepositoryWatch watch, TimeProvider time) => (_store, _places, _watch, _time) = (store, places, watch, time);

    /// <summary>Opens a session.</summary>
    /// <param name="id">The repository as the console knows it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Not found; or unavailable or a conflict, with the remedy, when it does not open.</returns>
    public async Task<Result<Repository>> OpenAsync(Guid id, CancellationToken cancellation)
    {
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("repository", id);
        try { return await OpenAsync(row, "work", cancellation); }
        catch (RepositoryException e) { return e.Problem; }
    }

    /// <exception cref="RepositoryException">It does not open.</exception>
    internal async Task<Repository> OpenAsync(RepositoryRow row, string purpose, CancellationToken cancellation)
    {
        var files = await _places.OpenAsync(row, cancellation);
        var repository = await Repository.OpenAsync(files, purpose, _places.CacheFolder(row.RepositoryId), _time, cancellation);
        repository.Changed = () => _watch.LookSoon(row.Id);
        return repository;
    }

    /// <summary>Ids and names of the configured repositories, by name.</summary>
    public async Task<IReadOnlyList<(Guid Id, string Name)>> ListAsync(CancellationToken cancellation) => [.. (await _store.AllAsync(cancellation)).Select(row => (row.Id, row.Name))];

    /// <summary>All points of a repository, newest first, without a session: for lists.</summary>
    /// <returns>Not found; or unavailable or a conflict, with the remedy, when it does not open.</returns>
    public async Task<Result<IReadOnlyList<PointManifest>>> PointsAsync(Guid id, CancellationToken cancellation)
    {
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("repository", id);
        try
        {
            await using var files = await _places.OpenAsync(row, cancellation);
            return Result<IReadOnlyList<PointManifest>>.From((await new Format.PointShelf(files).AllAsync(cancellation)).Points);
        }
        catch (RepositoryException e) { return e.Problem; }
    }
}
