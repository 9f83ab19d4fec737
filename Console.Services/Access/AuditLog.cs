using System.Data.Common;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>Who changed what, when, from what to what. Append-only; secrets are redacted before they are stored.</summary>
public sealed class AuditLog(Db db, TimeProvider time)
{
    /// <summary>Records a change. Call after it is committed, or use the other overload inside its transaction.</summary>
    /// <param name="caller">Who did it.</param>
    /// <param name="action">Stable name, such as <c>vm.create</c>.</param>
    /// <param name="target">The object, <c>kind:id</c>.</param>
    /// <param name="targetName">Its name.</param>
    /// <param name="before">The object before (serialised as JSON); null when it is new.</param>
    /// <param name="after">The object after; null when it is gone.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <remarks>Members named like passwords, tokens, secrets or keys are replaced by <c>•••</c>.</remarks>
    public Task WriteAsync(Caller caller, string action, string target, string? targetName, object? before, object? after, CancellationToken cancellation) =>
        throw new NotImplementedException($"{db} {time}");

    /// <summary>Records a change on the connection of the transaction that makes it: both are stored, or neither.</summary>
    public Task WriteAsync(DbConnection connection, Caller caller, string action, string target, string? targetName, object? before, object? after, CancellationToken cancellation) =>
        throw new NotImplementedException();

    internal Task RefusedAsync(Caller caller, string action, string target, string why, CancellationToken cancellation) =>
        throw new NotImplementedException();
}

/// <summary>The reading side of the audit log.</summary>
public sealed class AuditTrail(Db db, Guard guard)
{
    /// <summary>One page, newest first; sorts by <c>at</c>, <c>actor</c>, <c>action</c>, <c>target</c>. Search finds names, actions and targets.</summary>
    public Task<Result<Page<AuditEntry>>> ListAsync(Caller caller, AuditQuery query, PageQuery page, CancellationToken cancellation) =>
        throw new NotImplementedException($"{db} {guard}");

    /// <summary>One line.</summary>
    public Task<Result<AuditEntry>> GetAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();
}
