using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Run;

/// <summary>Opens repositories for an operation: one that cannot be reached now makes it wait and try again.</summary>
internal sealed class PointSource(RepositoryConnections repositories)
{
    /// <summary>A session.</summary>
    /// <exception cref="TransientException">The repository cannot be reached.</exception>
    public async Task<Repository> OpenAsync(Guid id, CancellationToken cancellation) =>
        await TryAsync(async () => (await repositories.OpenAsync(id, cancellation)).TryGet(out var session, out var problem) ? session
            : throw (problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem)));

    /// <summary>A point of it.</summary>
    /// <exception cref="ProblemException">It is gone.</exception>
    public static Task<PointManifest> PointAsync(Repository repository, Guid id, CancellationToken cancellation) =>
        TryAsync(async () => await repository.PointAsync(id, cancellation) ?? throw new ProblemException(Problem.NotFound("recovery point", id)));

    /// <summary>Runs calls to a repository; some faults may pass.</summary>
    public static async Task<T> TryAsync<T>(Func<Task<T>> calls)
    {
        try { return await calls(); }
        catch (RepositoryException e) when (e.Transient || e.Fault is RepositoryFault.SessionLost) { throw new TransientException(e.Problem.Detail, e); }
    }

    /// <summary>Runs calls without a result.</summary>
    public static Task TryAsync(Func<Task> calls) => TryAsync(async () =>
    {
        await calls();
        return true;
    });
}
