using Quarterdeck.Access;
using Quarterdeck.Backups.Points;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups;

/// <summary>The recovery points of all repositories, and what can be done with them. What takes longer answers the id of an operation.</summary>
public sealed class RecoveryPoints
{
    private readonly PointStore _points;
    private readonly PointMirror _mirror;
    private readonly PointsInUse _used;
    private readonly RepositoryConnections _repositories;
    private readonly VirtualMachines _vms;
    private readonly HostConnections _hosts;
    private readonly OperationQueue _operations;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal RecoveryPoints(PointStore points, PointMirror mirror, PointsInUse used, RepositoryConnections repositories, VirtualMachines vms, HostConnections hosts, OperationQueue operations, Guard guard, AuditLog audit) =>
        (_points, _mirror, _used, _repositories, _vms, _hosts, _operations, _guard, _audit) = (points, mirror, used, repositories, vms, hosts, operations, guard, audit);

    /// <summary>A page of points; sort by <c>createdAt</c> (default, newest first), <c>vm</c>, <c>readBytes</c>, <c>storedBytes</c>, <c>logicalBytes</c>; search in VM name and ids.</summary>
    public async Task<Result<Page<RecoveryPoint>>> ListAsync(Caller caller, RecoveryPointQuery query, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Read, Kind, cancellation) is { } refusal) return refusal;
        if (!(await _points.PageAsync(query, page, cancellation)).TryGet(out var found, out var problem)) return problem;
        return found with { Items = await WithVmsAsync(found.Items, cancellation) };
    }

    /// <summary>One point. A point that was copied is in several repositories: the one named, or the first.</summary>
    public async Task<Result<RecoveryPoint>> GetAsync(Caller caller, Guid id, CancellationToken cancellation, Guid? repositoryId = null)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Read, Target(id), cancellation) is { } refusal) return refusal;
        return await _points.FindAsync(id, cancellation, repositoryId) is { } point ? (await WithVmsAsync([point], cancellation))[0] : Problem.NotFound("recovery point", id);
    }

    /// <summary>One point as its repository keeps it; unavailable while that is away.</summary>
    public async Task<Result<PointManifest>> ManifestAsync(Caller caller, Guid id, CancellationToken cancellation, Guid? repositoryId = null)
    {
        if (!(await GetAsync(caller, id, cancellation, repositoryId)).TryGet(out var point, out var problem)) return problem;
        return await InRepositoryAsync(point, async repository => await repository.PointAsync(id, cancellation) is { } manifest ? Result<PointManifest>.From(manifest) : Problem.NotFound("recovery point", id), cancellation);
    }

    /// <summary>Queues <c>vm.backup</c> of a VM now; answers the operation's id.</summary>
    public async Task<Result<Guid>> BackUpAsync(Caller caller, NewBackup backup, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Run, VmTarget(backup.VmId), cancellation) is { } refusal) return refusal;
        if (backup.BytesPerSecond is < 1 << 20) return Problem.Invalid("bytesPerSecond", "It is less than 1 MiB (1048576).", "Give at least 1048576, or leave it out for no limit.");
        if (!(await _hosts.LocateAsync(backup.VmId, cancellation)).TryGet(out var vm, out var problem)) return problem;
        if (!(await _repositories.ListAsync(cancellation)).Any(r => r.Id == backup.RepositoryId))
            return Problem.Invalid("repositoryId", $"There is no repository '{backup.RepositoryId}'.", "Choose one of GET /repositories.");
        if (!vm.Hypervisor.SharesFileSystem)
            return Problem.Conflict("VMs of that host cannot be backed up yet", $"Only VMs of the machine that the console runs on can be backed up. Run a console on '{vm.Vm.HostName}' for its VMs.");
        List<ResourceLock> locks = [new(VmTarget(backup.VmId), LockMode.Shared), new($"vm-backup:{backup.VmId}", LockMode.Exclusive), new($"repository:{backup.RepositoryId}", LockMode.Shared)];
        // The images of a VM that is off are held while they are read: its start waits its turn instead of failing.
        if (vm.Vm.State is VmState.Off or VmState.Crashed) locks.Add(new($"vm-power:{backup.VmId}", LockMode.Shared));
        return await _operations.EnqueueAsync(caller, new NewOperation(BackUpHandler.BackUp.Key, VmTarget(backup.VmId), vm.Vm.Name, backup) { Locks = locks, Parent = backup.Parent }, cancellation);
    }

    /// <summary>Removes a point from its repository; the room comes back with the next collect. Refused for a pinned one, and for one that an operation works with.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, Guid id, CancellationToken cancellation, Guid? repositoryId = null)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Delete, Target(id), cancellation) is { } refusal) return refusal;
        if (await _points.FindAsync(id, cancellation, repositoryId) is not { } point) return Problem.NotFound("recovery point", id);
        if (point.Pinned) return Problem.Conflict("The recovery point is pinned", $"The point of '{point.VmName}' was pinned so that it stays. Unpin it first.");
        if (await _used.WhyNeededAsync(id, cancellation) is not null) return Problem.Conflict("The recovery point is in use", $"A restore, a verification or a proof reads this point of '{point.VmName}'. Delete it when that has ended, or cancel that first: GET /operations?state=queued,running.");
        return await RemoveAsync(caller, point, "recovery-point.delete", null, cancellation);
    }

    /// <summary>Pins a point, so that retention never removes it, or lets it go.</summary>
    public async Task<Result<RecoveryPoint>> PinAsync(Caller caller, Guid id, bool pinned, CancellationToken cancellation, Guid? repositoryId = null)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Run, Target(id), cancellation) is { } refusal) return refusal;
        if (await _points.FindAsync(id, cancellation, repositoryId) is not { } point) return Problem.NotFound("recovery point", id);
        var labelled = await InRepositoryAsync(point, async repository =>
        {
            await repository.LabelPointAsync(id, labels => labels with { Pinned = pinned }, cancellation);
            return await repository.PointAsync(id, cancellation) is { } manifest ? Result<PointManifest>.From(manifest) : Problem.NotFound("recovery point", id);
        }, cancellation);
        if (!labelled.TryGet(out var changed, out var problem)) return problem;
        await _points.PutAsync(point.RepositoryId, [changed], cancellation);
        await _audit.WriteAsync(caller, pinned ? "recovery-point.pin" : "recovery-point.unpin", Target(id), point.VmName, new { point.Pinned }, new { Pinned = pinned }, cancellation);
        return point with { Pinned = pinned };
    }

    /// <summary>Queues <c>recovery-point.verify</c>: reads every chunk of the point and checks it; answers the operation's id.</summary>
    public async Task<Result<Guid>> VerifyAsync(Caller caller, Guid id, CancellationToken cancellation, Guid? repositoryId = null, Guid? parent = null)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Run, Target(id), cancellation) is { } refusal) return refusal;
        if (await _points.FindAsync(id, cancellation, repositoryId) is not { } point) return Problem.NotFound("recovery point", id);
        return await _operations.EnqueueAsync(caller, new NewOperation(VerifyPointHandler.Verify.Key, Target(id), point.VmName, new PointTarget(id, point.RepositoryId))
        {
            Locks = [new(Target(id), LockMode.Exclusive), new($"repository:{point.RepositoryId}", LockMode.Shared)], Parent = parent,
        }, cancellation);
    }

    /// <summary>Reads a repository's points anew now, such as right after it was adopted.</summary>
    /// <returns>Unavailable, or a conflict, when it does not open.</returns>
    public async Task<Result<Done>> RereadAsync(Caller caller, Guid repositoryId, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, BackupsPermissions.Run, $"repository:{repositoryId}", cancellation) is { } refusal) return refusal;
        return await _mirror.ReadAsync(repositoryId, cancellation) is { } problem ? problem : Done.It;
    }

    /// <summary>The point with its repository's console id, without asking for permission; for the rooms above. A point that was copied is in several repositories: the one named, or the first. Null when there is none.</summary>
    public Task<RecoveryPoint?> FindAsync(Guid id, CancellationToken cancellation, Guid? repositoryId = null) => _points.FindAsync(id, cancellation, repositoryId);

    /// <summary>Where a VM is backed up to when nobody says: the only repository there is, or the only one that has its points. Without asking for permission.</summary>
    /// <returns>Invalid <c>repositoryId</c> when there is more than one to choose from.</returns>
    public async Task<Result<Guid>> RepositoryForAsync(Guid vmId, CancellationToken cancellation)
    {
        var all = await _repositories.ListAsync(cancellation);
        if (all.Count == 1) return all[0].Id;
        var used = (await _points.AllAsync(new RecoveryPointQuery(vmId), cancellation)).Select(p => p.RepositoryId).Distinct().ToList();
        if (used.Count == 1) return used[0];
        return Problem.Invalid("repositoryId", all.Count == 0 ? "There is no repository yet." : $"There are several repositories ({string.Join(", ", all.Take(5).Select(r => $"'{r.Name}'"))}), and the VM's points do not tell which.",
            all.Count == 0 ? "Add one: POST /repositories." : "Send the id of one of GET /repositories.");
    }

    /// <summary>All points of a VM in a repository, newest first, without asking for permission; for retention.</summary>
    public Task<IReadOnlyList<RecoveryPoint>> OfVmAsync(Guid vmId, Guid repositoryId, CancellationToken cancellation) => _points.AllAsync(new RecoveryPointQuery(vmId, repositoryId), cancellation);

    /// <summary>Removes a point on behalf of a retention rule, without asking for permission; audited as the caller's. Nothing happens to a pinned one.</summary>
    /// <exception cref="ProblemException">The repository refused.</exception>
    public async Task RetireAsync(Caller caller, Guid id, Guid repositoryId, string why, CancellationToken cancellation)
    {
        if (await _points.FindAsync(id, cancellation, repositoryId) is not { Pinned: false } point) return;
        if ((await RemoveAsync(caller, point, "recovery-point.retire", why, cancellation)).Problem is { } problem) throw new ProblemException(problem);
    }

    private const string Kind = "recovery-point";

    private static string Target(Guid id) => $"{Kind}:{id}";

    private static string VmTarget(Guid id) => $"vm:{id}";

    private async Task<Result<Done>> RemoveAsync(Caller caller, RecoveryPoint point, string action, string? why, CancellationToken cancellation)
    {
        var removed = await InRepositoryAsync(point, async repository =>
        {
            await repository.RemovePointAsync(point.Id, cancellation);
            return Result<Done>.From(Done.It);
        }, cancellation);
        if (removed.Problem is { } problem) return problem;
        await _points.RemoveAsync(point.Id, point.RepositoryId, cancellation);
        await _audit.WriteAsync(caller, action, Target(point.Id), point.VmName, new { point.CreatedAt, point.RepositoryId, point.VmId }, why is null ? null : new { why }, cancellation);
        return Done.It;
    }

    private async Task<Result<T>> InRepositoryAsync<T>(RecoveryPoint point, Func<Repository, Task<Result<T>>> work, CancellationToken cancellation)
    {
        if (!(await _repositories.OpenAsync(point.RepositoryId, cancellation)).TryGet(out var repository, out var problem)) return problem;
        try
        {
            await using (repository) return await work(repository);
        }
        catch (RepositoryException e) { return e.Problem; }
    }

    private async Task<IReadOnlyList<RecoveryPoint>> WithVmsAsync(IReadOnlyList<RecoveryPoint> points, CancellationToken cancellation)
    {
        if (points.Count == 0) return points;
        var ids = points.Select(p => p.VmId).Distinct().ToList();
        var there = (await _vms.ListAsync(Caller.System, new VmQuery(Ids: ids), new PageQuery(Size: ids.Count), cancellation)).Value.Items.Select(v => v.Id).ToHashSet();
        return [.. points.Select(p => p with { VmExists = there.Contains(p.VmId) })];
    }
}

/// <summary>A backup that is asked for.</summary>
/// <param name="VmId">Of which VM.</param>
/// <param name="RepositoryId">Into which repository.</param>
/// <param name="Full">Whether to read everything although changes were tracked.</param>
/// <param name="JobId">The backup job that asks; null for a person.</param>
/// <param name="ExpiresAt">When retention removes the point; null for never.</param>
/// <param name="BytesPerSecond">Most bytes to read from the VM in a second, at least 1 MiB; null for no limit.</param>
public sealed record NewBackup(Guid VmId, Guid RepositoryId, bool Full = false, Guid? JobId = null, DateTimeOffset? ExpiresAt = null, long? BytesPerSecond = null)
{
    /// <summary>The operation this backup is a part of, such as a job's run.</summary>
    public Guid? Parent { get; init; }
}
