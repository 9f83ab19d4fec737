using System.Data.Common;
using Quarterdeck.Access;
using Quarterdeck.Operations.Running;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations;

/// <summary>Where operations are started, cancelled and retried; every other room's way to do something long.</summary>
public sealed class OperationQueue
{
    private readonly OperationsCore _core;

    internal OperationQueue(OperationsCore core) => _core = core;

    /// <summary>Queues an operation; returns its id as soon as it is durable.</summary>
    /// <returns>Refused when the caller lacks the kind's permission, or the parent has ended already.</returns>
    public async Task<Result<Guid>> EnqueueAsync(Caller caller, NewOperation operation, CancellationToken cancellation)
    {
        if (operation.Id is { } known && await _core.Operations.FindAsync(known, cancellation) is not null) return known;
        return (await EnqueueAsync(caller, [operation], cancellation)).Then(ids => ids[0]);
    }

    /// <summary>Queues several in one transaction: all or none.</summary>
    public async Task<Result<IReadOnlyList<Guid>>> EnqueueAsync(Caller caller, IReadOnlyList<NewOperation> operations, CancellationToken cancellation)
    {
        var entries = await _core.Admission.AdmitAsync(caller, operations, cancellation);
        if (entries.Problem is { } refused) return refused;
        try
        {
            _core.Ready.Add(await _core.Operations.QueueAsync(entries.Value, connection => _core.Admission.AuditAsync(connection, entries.Value, cancellation), cancellation));
        }
        catch (ProblemException e)
        {
            return e.Problem;
        }
        Guid[] ids = [.. entries.Value.Select(e => e.Id)];
        _core.Feed.Changed(ids);
        return ids;
    }

    /// <summary>Begins an operation whose first steps the caller's own thread runs (an upload being streamed), with the locks taken at once.</summary>
    /// <returns>Refused with a conflict when a lock is held by another operation.</returns>
    public async Task<Result<AttendedOperation>> BeginAttendedAsync(Caller caller, NewOperation operation, CancellationToken cancellation)
    {
        var entries = await _core.Admission.AdmitAsync(caller, [operation], cancellation);
        if (entries.Problem is { } refused) return refused;
        var entry = entries.Value[0];
        var slot = _core.Registry.Reserve(entry.Id)!;
        try
        {
            var lease = new Lease(entry.Id, _core.Node.Token, 1);
            if (await _core.Operations.BeginAttendedAsync(entry, lease, _core.Node.Name, connection => _core.Admission.AuditAsync(connection, [entry], cancellation), cancellation) is { } blocker)
            {
                slot.Dispose();
                return await _core.Admission.InTheWayAsync(entry, blocker, cancellation);
            }
            var row = (await _core.Operations.FindAsync(entry.Id, CancellationToken.None))!;
            slot.Run = await _core.Runs.OpenAsync(row, CancellationToken.None);
        }
        catch (Exception e)
        {
            slot.Dispose(); // should its row exist, the sweep finds that nothing here runs it
            if (e is ProblemException { Problem: var problem }) return problem;
            throw;
        }
        _core.Feed.Changed(entry.Id);
        return new AttendedOperation(_core, slot);
    }

    /// <summary>Asks for cancellation, whichever node runs it; a queued operation ends at once. Its parts are cancelled with it.</summary>
    /// <returns>Refused with a conflict when it has ended already.</returns>
    public async Task<Result<Done>> CancelAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        var found = await FindAsync(caller, id, cancellation);
        if (found.Problem is { } refused) return refused;
        var row = found.Value;
        return await _core.Canceller.CancelAsync(id, Audit(caller, "operation.cancel", row, cancellation), cancellation)
            ? Done.It
            : Problem.Conflict("It has ended already", $"'{row.Title}' of {row.TargetName} ended before it could be cancelled.");
    }

    /// <summary>Queues a failed, cancelled or lost operation again under the same id. What it had made was undone, so every step runs anew.</summary>
    /// <returns>Refused with a conflict when it has not ended so, or its kind is not retryable.</returns>
    public async Task<Result<Done>> RetryAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        var found = await FindAsync(caller, id, cancellation);
        if (found.Problem is { } refused) return refused;
        var row = found.Value;
        if (_core.Kinds.Find(row.Kind)?.Kind is { Retryable: false } or null)
            return Problem.Conflict("It cannot be retried", $"'{row.Title}' cannot be run again from its stored input. Start it anew where it was started.");
        if (row.State.IsFinal && StateMachine.Allows(row.State, OperationState.Queued))
        {
            var (taken, ready) = await _core.Restarts.RetryAsync(row, Audit(caller, "operation.retry", row, cancellation), cancellation);
            if (taken)
            {
                _core.Ready.Add(ready);
                _core.Feed.Changed(id);
                return Done.It;
            }
            row = await _core.Operations.FindAsync(id, cancellation) ?? row;
        }
        return Problem.Conflict("There is nothing to retry", $"'{row.Title}' of {row.TargetName} is {row.State.ToString().ToLowerInvariant()}; only failed, cancelled and lost operations are retried.");
    }

    private async Task<Result<OperationRow>> FindAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _core.Guard.CheckAsync(caller, OperationPermissions.Read, $"operation:{id}", cancellation) is { } refused) return refused;
        if (await _core.Operations.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("operation", id);
        // A kind that this version does not know can only be touched by an administrator.
        var permission = _core.Kinds.Find(row.Kind)?.Kind.Permission ?? new Permission(row.Kind, Role.Administrator, row.Title);
        return await _core.Guard.CheckAsync(caller, permission, row.Target, cancellation) is { } forbidden ? forbidden : row;
    }

    private Func<DbConnection, Task> Audit(Caller caller, string action, OperationRow row, CancellationToken cancellation) => connection =>
        _core.Admission.AuditAsync(connection, caller, action, row, cancellation);
}
