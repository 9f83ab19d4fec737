namespace Quarterdeck.Repositories;

/// <summary>Filled by rooms above: says who needs a repository, so that it is not forgotten under them.</summary>
public interface IRepositoryUse
{
    /// <summary>A sentence such as <c>The backup job 'Nightly' writes to it.</c>; null when it is not needed.</summary>
    Task<string?> WhyNeededAsync(Guid repositoryId, CancellationToken cancellation);
}
