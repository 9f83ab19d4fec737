using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Run;

/// <summary>Says which recovery points a damage touches, when a restore meets one.</summary>
internal static class DamagedPoints
{
    private const int Named = 8;

    /// <summary>Runs calls to a repository that come before the first write to a VM's disks; a damage becomes a problem that names its points, and what may pass is tried again.</summary>
    /// <exception cref="ProblemException">Something that is needed is missing or damaged.</exception>
    /// <exception cref="Operations.TransientException">The repository is away.</exception>
    public static Task NamedAsync(Repository repository, Func<Task> calls, CancellationToken cancellation) => PointSource.TryAsync(async () =>
    {
        try { await calls(); }
        catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged)
        {
            throw new ProblemException(Problem.Conflict("The repository is damaged",
                $"Nothing was restored. {e.Problem.Detail} {Words(await repository.DamagedPointsAsync(cancellation))}. Restore another point."), e);
        }
    });

    /// <summary>Names points; a few of many.</summary>
    public static string Words(IReadOnlyList<PointManifest> points)
    {
        var names = points.Take(Named).Select(p => $"{p.VmName}, {p.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC ({p.Id})");
        return $"Recovery points that need what is damaged: {string.Join("; ", names)}{(points.Count > Named ? $"; and {points.Count - Named} more" : "")}";
    }
}
