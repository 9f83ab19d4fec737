using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>The workers: reading, sending code in, settings, trust, deleting.</summary>
public sealed class WorkerRegistry
{
    internal WorkerRegistry() { }

    /// <summary>One page; the search looks into the name. Sorts by name, serial, tier, createdAt or changedAt.</summary>
    public Task<Result<Page<Worker>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>One worker.</summary>
    public Task<Result<Worker>> GetAsync(Caller caller, string name, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Checks code, tries it, and makes a version of it; makes the worker when there is none of that name.</summary>
    /// <param name="caller">Who sends it.</param>
    /// <param name="name">The worker's name.</param>
    /// <param name="upload">The code.</param>
    /// <param name="deploy">Whether it gets all requests at once. The answer then comes when this node routes to it.</param>
    /// <param name="cancellation">Gives up; nothing is made then.</param>
    public Task<Result<UploadOutcome>> UploadAsync(Caller caller, string name, WorkerUpload upload, bool deploy, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Makes a version with the newest one's modules and other bindings, limits or compatibility.</summary>
    public Task<Result<UploadOutcome>> ReviseAsync(Caller caller, string name, WorkerRevision revision, bool deploy, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Replaces the settings that are no part of a version.</summary>
    public Task<Result<Worker>> ChangeAsync(Caller caller, string name, WorkerSettings settings, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Trusts a worker, so that it may run in a shared shard, or withdraws that: it goes into a cordon.</summary>
    public Task<Result<Worker>> TrustAsync(Caller caller, string name, bool trusted, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Deletes a worker with its versions and routes; its zones stay.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string name, CancellationToken cancellation) => throw new NotSupportedException();
}
