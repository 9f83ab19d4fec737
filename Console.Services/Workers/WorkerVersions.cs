using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>What was ever made of a worker, and how versions differ.</summary>
public sealed class WorkerVersions
{
    internal WorkerVersions() { }

    /// <summary>One page, newest first; without modules' bytes.</summary>
    public Task<Result<Page<WorkerVersion>>> ListAsync(Caller caller, string name, PageQuery page, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>One version.</summary>
    public Task<Result<WorkerVersion>> GetAsync(Caller caller, string name, int version, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Its modules with their bytes, main module first.</summary>
    public Task<Result<IReadOnlyList<WorkerModule>>> ModulesAsync(Caller caller, string name, int version, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>What differs between two versions.</summary>
    public Task<Result<VersionDiff>> DiffAsync(Caller caller, string name, int from, int to, CancellationToken cancellation) => throw new NotSupportedException();
}
