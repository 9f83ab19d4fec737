using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Store;

/// <summary>The one place where an operation's state changes: a compare-and-set that names the state it comes from and, for a running one, the run that owns it.</summary>
internal static class OperationGate
{
    /// <summary>Moves an operation that no run owns; false when it was in another state by then.</summary>
    /// <param name="connection">Inside a transaction where more belongs to the move.</param>
    /// <param name="id">The operation.</param>
    /// <param name="from">The state it must be in.</param>
    /// <param name="to">The state it gets.</param>
    /// <param name="set">More columns, as SQL; parameters from <paramref name="values"/>.</param>
    /// <param name="values">Parameters.</param>
    /// <param name="where">More conditions, as SQL.</param>
    public static Task<bool> MoveAsync(DbConnection connection, Guid id, OperationState from, OperationState to, string set, object values, string where = "TRUE") =>
        UpdateAsync(connection, from, to, set, values, $"id = @id AND {where}", ("id", id));

    /// <summary>Moves an operation on behalf of the run that owns it; false when another run owns it, or it is over.</summary>
    public static Task<bool> MoveAsync(DbConnection connection, Lease lease, OperationState to, string set, object values) =>
        UpdateAsync(connection, OperationState.Running, to, set, values, "id = @Operation AND owner = @Owner AND attempt = @Attempt",
            ("Operation", lease.Operation), ("Owner", lease.Owner), ("Attempt", lease.Attempt));

    /// <summary>Passes the fence: locks the row for this transaction when the run still owns it, else throws <see cref="FencedException"/>. Tells whether cancellation was asked for.</summary>
    public static async Task<bool> HoldAsync(DbConnection connection, Lease lease, DateTimeOffset now) =>
        await connection.QuerySingleOrDefaultAsync<bool?>($"""
            UPDATE operations SET touched_at = @now WHERE {Lease.Holds} RETURNING cancel_requested
            """, new { lease.Operation, lease.Owner, lease.Attempt, now }) ?? throw new FencedException(lease.Operation);

    private static async Task<bool> UpdateAsync(DbConnection connection, OperationState from, OperationState to, string set, object values, string where, params (string Name, object Value)[] more)
    {
        if (!StateMachine.Allows(from, to)) throw new InvalidOperationException($"An operation never goes from {from} to {to}.");
        var parameters = new DynamicParameters(values);
        foreach (var (name, value) in more) parameters.Add(name, value);
        parameters.Add("from", from.ToColumn());
        parameters.Add("to", to.ToColumn());
        return await connection.ExecuteAsync($"UPDATE operations SET state = @to, {set} WHERE state = @from AND {where}", parameters) == 1;
    }
}
