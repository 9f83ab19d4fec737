using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups;

/// <summary>The recovery points of all repositories, and what can be done with them. What takes longer answers the id of an operation.</summary>
public sealed class RecoveryPoints
{
    internal RecoveryPoints() { }

    /// <summary>A page of points; sort by <c>createdAt</c> (default, newest first), <c>vm</c>, <c>readBytes</c>, <c>storedBytes</c>; search in VM name and ids.</summary>
    public Task<Result<Page<RecoveryPoint>>> ListAsync(Caller caller, RecoveryPointQuery query, PageQuery page, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>One point.</summary>
    public Task<Result<RecoveryPoint>> GetAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>One point as its repository keeps it; unavailable while that is away.</summary>
    public Task<Result<PointManifest>> ManifestAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Queues <c>vm.backup</c> of a VM now; answers the operation's id.</summary>
    public Task<Result<Guid>> BackUpAsync(Caller caller, NewBackup backup, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Removes a point from its repository; the room comes back with the next collect.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Pins a point, so that retention never removes it, or lets it go.</summary>
    public Task<Result<RecoveryPoint>> PinAsync(Caller caller, Guid id, bool pinned, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Queues <c>point.verify</c>: reads every chunk of the point and checks it; answers the operation's id.</summary>
    public Task<Result<Guid>> VerifyAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>The point and its repository's console id, without asking for permission; for the rooms above. Null when there is none.</summary>
    public Task<RecoveryPoint?> FindAsync(Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>All points of a VM in a repository, newest first, without asking for permission; for retention.</summary>
    public Task<IReadOnlyList<RecoveryPoint>> OfVmAsync(Guid vmId, Guid repositoryId, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Removes a point on behalf of a retention rule, without asking for permission; audited as the caller's.</summary>
    public Task RetireAsync(Caller caller, Guid id, string why, CancellationToken cancellation) => throw new NotSupportedException();
}

/// <summary>A backup that is asked for.</summary>
/// <param name="VmId">Of which VM.</param>
/// <param name="RepositoryId">Into which repository.</param>
/// <param name="Full">Whether to read everything although changes were tracked.</param>
/// <param name="JobId">The backup job that asks; null for a person.</param>
/// <param name="ExpiresAt">When retention removes the point; null for never.</param>
public sealed record NewBackup(Guid VmId, Guid RepositoryId, bool Full = false, Guid? JobId = null, DateTimeOffset? ExpiresAt = null)
{
    /// <summary>The operation this backup is a part of, such as a job's run.</summary>
    public Guid? Parent { get; init; }
}
