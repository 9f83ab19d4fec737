using Quarterdeck.Platform;

namespace Quarterdeck.Repositories;

/// <summary>Opens configured repositories for the rooms above, which have asked for permission already.</summary>
public sealed class RepositoryConnections
{
    /// <summary>Opens a session.</summary>
    /// <param name="id">The repository as the console knows it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Not found; or unavailable or a conflict, with the remedy, when it does not open.</returns>
    public Task<Result<Repository>> OpenAsync(Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Ids and names of the configured repositories.</summary>
    public Task<IReadOnlyList<(Guid Id, string Name)>> ListAsync(CancellationToken cancellation) => throw new NotSupportedException();
}
