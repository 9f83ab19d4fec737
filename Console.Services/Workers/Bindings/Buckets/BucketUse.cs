using Quarterdeck.Repositories;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>Keeps a repository from being forgotten while buckets lie in it.</summary>
internal sealed class BucketUse(BucketStore buckets) : IRepositoryUse
{
    public async Task<string?> WhyNeededAsync(Guid repositoryId, CancellationToken cancellation) => await buckets.InAsync(repositoryId, cancellation) switch
    {
        [] => null,
        [var one] => $"The bucket '{one}' keeps its objects in it. Empty and delete the bucket first.",
        var all => $"{all.Count} buckets keep their objects in it, such as '{all[0]}'. Empty and delete them first.",
    };
}
