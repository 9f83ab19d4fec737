using System.Data.Common;
using Dapper;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Store;

/// <summary>Something to store as queued (or, attended, as running already).</summary>
internal sealed record Entry(Guid Id, OperationKind Kind, NewOperation Operation, Caller Caller, string Path)
{
    public string Locks { get; } = Operation.Locks.Count == 0 ? "[]" : Json.Write(Operation.Locks);
}

/// <summary>An operation that may start: what the job engine is told.</summary>
/// <param name="Id">The operation.</param>
/// <param name="Attempt">The attempt before; with the id it names the trigger, so that telling twice changes nothing.</param>
/// <param name="NotBefore">When; null for now.</param>
internal sealed record Ready(Guid Id, int Attempt, DateTimeOffset? NotBefore);

/// <summary>Queues, claims and requeues operations. What ends them is in <see cref="EndingStore"/>.</summary>
internal sealed class OperationStore(Db db, GroupCommit commit, TimeProvider time)
{
    private const int RowsPerStatement = 50;

    /// <summary>Stores operations as queued, in one transaction; returns those that may start now.</summary>
    /// <exception cref="ProblemException">A parent has ended, or a part would wait for its own ancestor.</exception>
    public Task<IReadOnlyList<Ready>> QueueAsync(IReadOnlyList<Entry> entries, Func<DbConnection, Task> alongside, CancellationToken cancellation) => commit.WriteAsync<IReadOnlyList<Ready>>(async connection =>
    {
        var ready = entries.Where(e => e.Operation.Locks.Count == 0).Select(e => new Ready(e.Id, 0, null)).ToList();
        var locking = entries.Where(e => e.Operation.Locks.Count > 0).ToArray();
        if (locking.Length > 0) await LockStore.MutexAsync(connection, db.Dialect);
        foreach (var parent in entries.Select(e => e.Operation.Parent).OfType<Guid>().Distinct()) await HoldParentAsync(connection, parent);
        foreach (var chunk in entries.Chunk(RowsPerStatement)) await InsertAsync(connection, chunk, null, null);
        foreach (var entry in locking)
        {
            await LockStore.RequestAsync(connection, entry.Id, entry.Path, entry.Operation.Locks);
            if (entry.Operation.Parent is not null && await LockStore.DeadlocksAsync(connection, entry.Id, entry.Path))
                throw new ProblemException(Problem.Conflict("Waits for itself", $"'{entry.Kind.Title}' of {entry.Operation.TargetName} would wait for an operation that waits for its own parent. Let the parent take the lock, or try again later."));
        }
        var resources = locking.SelectMany(e => e.Operation.Locks).Select(l => l.Resource).ToHashSet(StringComparer.Ordinal);
        ready.AddRange(await LockStore.GrantAsync(connection, resources));
        await alongside(connection);
        return ready;
    }, cancellation);

    /// <summary>Stores an attended operation as running, with its locks; returns the operation in the way instead when one is held.</summary>
    public async Task<Guid?> BeginAttendedAsync(Entry entry, Lease lease, string node, Func<DbConnection, Task> alongside, CancellationToken cancellation)
    {
        try
        {
            await commit.WriteAsync(async connection =>
            {
                if (entry.Operation.Locks.Count > 0) await LockStore.MutexAsync(connection, db.Dialect);
                if (entry.Operation.Parent is { } parent) await HoldParentAsync(connection, parent);
                await InsertAsync(connection, [entry], lease, node);
                await LockStore.RequestAsync(connection, entry.Id, entry.Path, entry.Operation.Locks);
                if (await LockStore.BlockerAsync(connection, entry.Id) is { } blocker) throw new InTheWayException(blocker);
                await connection.ExecuteAsync("UPDATE operation_locks SET granted = TRUE WHERE operation_id = @Id", new { entry.Id });
                await alongside(connection);
            }, cancellation);
            return null;
        }
        catch (InTheWayException e)
        {
            return e.Blocker;
        }
    }

    /// <summary>Takes a queued operation for a run; null when there is nothing to take (taken already, cancelled, still waiting for locks).</summary>
    public Task<OperationRow?> ClaimAsync(Guid id, Guid owner, string node, CancellationToken cancellation) => commit.WriteAsync(async connection =>
    {
        var now = time.GetUtcNow();
        await OperationGate.MoveAsync(connection, id, OperationState.Queued, OperationState.Running,
            "owner = @owner, node = @node, attempt = attempt + 1, not_before = NULL, started_at = COALESCE(started_at, @now), touched_at = @now",
            new { owner, node, now }, "granted");
        // Read in any case: when the answer to the move was lost and it is tried again, the row is ours already.
        return await connection.QuerySingleOrDefaultAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM operations WHERE id = @id AND state = 'running' AND owner = @owner", new { id, owner });
    }, cancellation);

    /// <summary>Gives a running operation back to the queue, its locks kept; false when the run does not own it any more.</summary>
    public Task<bool> RequeueAsync(Lease lease, Requeue why, CancellationToken cancellation) => commit.WriteAsync(connection => OperationGate.MoveAsync(connection, lease, OperationState.Queued, """
        owner = NULL, attended = FALSE, queued_at = @now, touched_at = @now, not_before = @NotBefore, problem = COALESCE(@problem, problem),
        failures = failures + @failures, crashes = crashes + @crashes, ending = COALESCE(ending, @ending)
        """, new { now = time.GetUtcNow(), why.NotBefore, problem = why.Problem is null ? null : Json.Write(why.Problem), failures = why.Failed ? 1 : 0, crashes = why.Crashed ? 1 : 0, ending = why.Ending?.ToColumn() }), cancellation);

    public async Task<OperationRow?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await FindAsync(connection, id);
    }

    public static Task<OperationRow?> FindAsync(DbConnection connection, Guid id) =>
        connection.QuerySingleOrDefaultAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM operations WHERE id = @id", new { id });

    /// <summary>Locks the parent's row, so that it cannot end between this look and the insert of its part.</summary>
    private async Task HoldParentAsync(DbConnection connection, Guid parent)
    {
        var now = time.GetUtcNow();
        if (await connection.ExecuteAsync("UPDATE operations SET touched_at = @now WHERE id = @parent AND state IN ('queued', 'running') AND ending IS NULL AND NOT cancel_requested", new { parent, now }) == 0)
            throw new ProblemException(Problem.Conflict("The parent has ended", $"Operation {parent} has ended or is being cancelled, so nothing can become a part of it."));
    }

    private async Task InsertAsync(DbConnection connection, IReadOnlyList<Entry> entries, Lease? attended, string? node)
    {
        var now = time.GetUtcNow();
        var values = new DynamicParameters(new
        {
            now, owner = attended?.Owner, node, started = attended is null ? (DateTimeOffset?)null : now, attempt = attended?.Attempt ?? 0,
            state = (attended is null ? OperationState.Queued : OperationState.Running).ToColumn(), attended = attended is not null,
        });
        var rows = entries.Select((e, i) =>
        {
            values.AddDynamicParams(Named(i, ("id", e.Id), ("kind", e.Kind.Key), ("title", e.Kind.Title), ("target", e.Operation.Target), ("tk", e.Operation.Target.Split(':')[0]),
                ("name", e.Operation.TargetName), ("search", $"{e.Kind.Title} {e.Operation.TargetName} {e.Caller.Name}".ToLowerInvariant()), ("parent", e.Operation.Parent), ("path", e.Path),
                ("by", e.Caller.Name), ("caller", Json.Write(e.Caller)), ("input", Json.Write(e.Operation.Input)), ("locks", e.Locks), ("granted", attended is not null || e.Operation.Locks.Count == 0)));
            return $"(@id{i}, @kind{i}, @title{i}, @target{i}, @tk{i}, @name{i}, @search{i}, @state, @parent{i}, @path{i}, @by{i}, @caller{i}, @input{i}, @locks{i}, @granted{i}, @attended, @attempt, 0, 0, @owner, @node, FALSE, @now, @now, @started, @now, 0)";
        }).ToArray();
        await connection.ExecuteAsync($"""
            INSERT INTO operations (id, kind, title, target, target_kind, target_name, search, state, parent_id, path, requested_by, caller, input, locks, granted,
                attended, attempt, failures, crashes, owner, node, cancel_requested, created_at, queued_at, started_at, touched_at, warnings)
            VALUES {string.Join(", ", rows)}
            """, values);
    }

    private static DynamicParameters Named(int row, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var parameters = new DynamicParameters();
        foreach (var (name, value) in values) parameters.Add($"{name}{row}", value);
        return parameters;
    }

    private sealed class InTheWayException(Guid blocker) : Exception
    {
        public Guid Blocker => blocker;
    }
}

/// <summary>Why a running operation goes back to the queue.</summary>
internal sealed record Requeue
{
    /// <summary>When it may run again; null for now.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>What went wrong; null to keep what is stored.</summary>
    public Problem? Problem { get; init; }

    /// <summary>Whether this counts as a failed try.</summary>
    public bool Failed { get; init; }

    /// <summary>Whether its node died.</summary>
    public bool Crashed { get; init; }

    /// <summary>The final state that the next run only undoes for; null to run on.</summary>
    public OperationState? Ending { get; init; }
}
