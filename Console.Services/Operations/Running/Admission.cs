using System.Data.Common;
using Quarterdeck.Access;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Running;

/// <summary>Decides who may start what, and writes it down.</summary>
internal sealed class Admission(OperationKinds kinds, OperationStore operations, OperationIds ids, Guard guard, AuditLog audit)
{
    /// <summary>Checks the kinds and their permissions, and gives each operation its id and its place.</summary>
    /// <exception cref="ArgumentException">A kind is not registered, or a target or lock is not <c>kind:id</c>: a mistake of the calling room.</exception>
    public async Task<Result<IReadOnlyList<Entry>>> AdmitAsync(Caller caller, IReadOnlyList<NewOperation> wanted, CancellationToken cancellation)
    {
        var entries = new List<Entry>(wanted.Count);
        foreach (var operation in wanted)
        {
            var kind = kinds.Find(operation.Kind)?.Kind ?? throw new ArgumentException($"No handler is registered for the operation kind '{operation.Kind}'.", nameof(wanted));
            foreach (var name in operation.Locks.Select(l => l.Resource).Prepend(operation.Target))
                if (name.IndexOf(':', StringComparison.Ordinal) < 1) throw new ArgumentException($"'{name}' of '{operation.Kind}' is not kind:id.", nameof(wanted));
            if (await guard.CheckAsync(caller, kind.Permission, operation.Target, cancellation) is { } refused) return refused;
            var id = operation.Id ?? ids.Next();
            var path = id.ToString();
            if (operation.Parent is { } parent)
            {
                if (await operations.FindAsync(parent, cancellation) is not { } above) return Problem.NotFound("operation", parent);
                path = $"{above.Path}/{path}";
            }
            entries.Add(new Entry(id, kind, operation, caller, path));
        }
        return entries;
    }

    /// <summary>Audits the start, in the transaction that stores it.</summary>
    public async Task AuditAsync(DbConnection connection, IReadOnlyList<Entry> entries, CancellationToken cancellation)
    {
        foreach (var entry in entries)
            await audit.WriteAsync(connection, entry.Caller, entry.Kind.Key, entry.Operation.Target, entry.Operation.TargetName, null, new { operationId = entry.Id, entry.Operation.Input }, cancellation);
    }

    /// <summary>Audits what a person did to an operation.</summary>
    public Task AuditAsync(DbConnection connection, Caller caller, string action, OperationRow row, CancellationToken cancellation) =>
        audit.WriteAsync(connection, caller, action, row.Target, row.TargetName, new { state = row.State.ToString().ToLowerInvariant() }, new { operationId = row.Id, row.Kind }, cancellation);

    /// <summary>Why an attended operation cannot begin now.</summary>
    public async Task<Problem> InTheWayAsync(Entry entry, Guid blocker, CancellationToken cancellation)
    {
        var row = await operations.FindAsync(blocker, cancellation);
        return Problem.Conflict("Something else is at work on it",
            $"'{entry.Kind.Title}' of {entry.Operation.TargetName} cannot begin while {(row is null ? "another operation" : $"'{row.Title}' of {row.TargetName}")} (operation {blocker}) is under way. Wait until that has ended, or cancel it.");
    }
}
