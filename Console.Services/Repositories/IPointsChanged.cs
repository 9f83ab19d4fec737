namespace Quarterdeck.Repositories;

/// <summary>Filled by rooms above: is told when an operation changed, removed or added points of a repository, so that lists don't wait until it is read again.</summary>
public interface IPointsChanged
{
    /// <summary>Looks at the repository's points now. Never fails for a repository that cannot be read: it is looked at again later.</summary>
    Task PointsChangedAsync(Guid repositoryId, CancellationToken cancellation);
}
