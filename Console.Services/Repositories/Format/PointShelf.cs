using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Repositories.Format;

/// <summary>A point that cannot be read, and why.</summary>
internal sealed record UnreadablePoint(Guid Id, string Why);

/// <summary>The points of a repository, and the labels beside them.</summary>
internal sealed class PointShelf(RepositoryFiles files)
{
    private const int AtOnce = 8;

    /// <summary>All points, newest first, and those that cannot be read.</summary>
    public async Task<(IReadOnlyList<PointManifest> Points, IReadOnlyList<UnreadablePoint> Unreadable)> AllAsync(CancellationToken cancellation)
    {
        var ids = await files.IdsAsync(Names.Points, cancellation);
        var (points, unreadable) = (new List<PointManifest>(), new List<UnreadablePoint>());
        await Parallel.ForEachAsync(ids, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (id, c) =>
        {
            try
            {
                if (await FindAsync(id, c) is { } point) lock (points) points.Add(point);
            }
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { lock (points) unreadable.Add(new UnreadablePoint(id, e.Problem.Detail)); }
        });
        points.Sort((a, b) => b.CreatedAt.CompareTo(a.CreatedAt) is not 0 and var order ? order : b.Id.CompareTo(a.Id));
        return (points, unreadable);
    }

    /// <summary>One point; null when there is none.</summary>
    public async Task<PointManifest?> FindAsync(Guid id, CancellationToken cancellation)
    {
        if (await files.ReadAsync<PointManifest>(Names.Point(id), cancellation) is not { } point) return null;
        PointLabels? labels;
        try { labels = await files.ReadAsync<PointLabels>(Names.Label(id), cancellation); }
        catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged)
        {
            // Whether it was pinned is not known any more: then it stays until somebody says otherwise.
            labels = point.Labels with { Pinned = true };
        }
        return labels is null ? point : point with { Labels = labels };
    }

    /// <summary>Makes a point exist. Its labels as it is made stay in it, so that one object alone decides.</summary>
    public async Task AddAsync(PointManifest point, CancellationToken cancellation)
    {
        if (!await files.CreateAsync(Names.Point(point.Id), point, cancellation)) throw new RepositoryException(RepositoryFault.Locked, $"There is a point {point.Id:D} already.");
    }

    public async Task LabelAsync(Guid id, Func<PointLabels, PointLabels> change, CancellationToken cancellation)
    {
        if (await FindAsync(id, cancellation) is not { } point || change(point.Labels) is var labels && labels == point.Labels) return;
        await files.WriteAsync(Names.Label(id), labels, cancellation);
    }

    /// <summary>Removes a point: first itself, so that a crash leaves at most a label of nothing.</summary>
    public async Task RemoveAsync(Guid id, CancellationToken cancellation)
    {
        files.ThrowIfAppendOnly("Removing a point");
        await files.Store.DeleteAsync(Names.Point(id), cancellation);
        await files.Store.DeleteAsync(Names.Label(id), cancellation);
    }
}
