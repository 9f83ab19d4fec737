using System.Data.Common;
using Dapper;
using Quarterdeck.Access.Audit;
using Quarterdeck.Database;

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
    public async Task WriteAsync(Caller caller, string action, string target, string? targetName, object? before, object? after, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await WriteAsync(connection, caller, action, target, targetName, before, after, cancellation);
    }

    /// <summary>Records a change on the connection of the transaction that makes it: both are stored, or neither.</summary>
    public Task WriteAsync(DbConnection connection, Caller caller, string action, string target, string? targetName, object? before, object? after, CancellationToken cancellation) =>
        InsertAsync(connection, caller, action, target, targetName, AuditOutcome.Done, AuditJson.Of(before), AuditJson.Of(after), cancellation);

    internal async Task RefusedAsync(Caller caller, string action, string target, string why, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await InsertAsync(connection, caller, action, target, null, AuditOutcome.Refused, null, AuditJson.Of(new { reason = why }), cancellation);
    }

    private Task InsertAsync(
        DbConnection connection, Caller caller, string action, string target, string? targetName, AuditOutcome outcome, string? before, string? after, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        return connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, action, target, target_name, outcome, before_json, after_json, request_id)
            VALUES (@id, @now, @kind, @actorId, @actorName, @action, @target, @targetName, @outcome, @before, @after, @requestId)
            """, new
        {
            id = Guid.CreateVersion7(now), now, kind = caller.Kind.ToColumn(), actorId = caller.Id, actorName = caller.Name,
            action, target, targetName, outcome = outcome.ToColumn(), before, after, requestId = caller.RequestId,
        }, cancellationToken: cancellation));
    }
}
