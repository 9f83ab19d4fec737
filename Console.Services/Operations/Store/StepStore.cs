using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Store;

/// <summary>A stored step.</summary>
internal sealed record StepRow(Guid OperationId, string Key, int Number, string Title, StepState State, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string? Result)
{
    public OperationStep ToStep() => new(Key, Title, State, StartedAt, EndedAt);
}

/// <summary>Durable steps and write-ahead notes. Every write passes the fence first, in the same transaction.</summary>
internal sealed class StepStore(Db db, GroupCommit commit, TimeProvider time)
{
    private const string Columns = "operation_id, key, number, title, state, started_at, ended_at, result";

    /// <summary>The steps of some operations, in the order they began.</summary>
    public static async Task<IReadOnlyList<StepRow>> ReadAsync(DbConnection connection, IReadOnlyCollection<Guid> operations)
    {
        if (operations.Count == 0) return [];
        var values = new DynamicParameters();
        foreach (var (i, id) in operations.Index()) values.Add($"i{i}", id);
        return [.. await connection.QueryAsync<StepRow>($"""
            SELECT {Columns} FROM operation_steps WHERE operation_id IN ({string.Join(", ", operations.Select((_, i) => $"@i{i}"))}) ORDER BY operation_id, number
            """, values)];
    }

    public Task StartAsync(Lease lease, string key, int number, string title, CancellationToken cancellation) => FencedAsync(lease, (connection, now) => connection.ExecuteAsync("""
        INSERT INTO operation_steps (operation_id, key, number, title, state, started_at) VALUES (@Operation, @key, @number, @title, 'running', @now)
        ON CONFLICT (operation_id, key) DO UPDATE SET title = @title, state = 'running', started_at = @now, ended_at = NULL
        """, new { lease.Operation, key, number, title, now }), cancellation);

    public Task EndAsync(Lease lease, string key, StepState state, string? result, CancellationToken cancellation) => FencedAsync(lease, (connection, now) => connection.ExecuteAsync("""
        UPDATE operation_steps SET state = @state, ended_at = @now, result = @result WHERE operation_id = @Operation AND key = @key
        """, new { lease.Operation, key, state = state.ToColumn(), result, now }), cancellation);

    public Task NoteAsync(Lease lease, string kind, string value, CancellationToken cancellation) => FencedAsync(lease, (connection, _) => connection.ExecuteAsync("""
        INSERT INTO operation_notes (operation_id, number, kind, value)
        SELECT @Operation, COALESCE(MAX(number), 0) + 1, @kind, @value FROM operation_notes WHERE operation_id = @Operation
        ON CONFLICT (operation_id, kind, value) DO NOTHING
        """, new { lease.Operation, kind, value }), cancellation);

    /// <summary>The notes, newest first.</summary>
    public async Task<IReadOnlyList<Note>> NotesAsync(Guid operation, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<Note>("SELECT kind, value FROM operation_notes WHERE operation_id = @operation ORDER BY number DESC", new { operation })];
    }

    /// <summary>Stores how far it is, and lines of the log; tells whether cancellation was asked for.</summary>
    public Task<bool> JournalAsync(Lease lease, OperationProgress? progress, int warnings, IReadOnlyList<LogLine> lines, CancellationToken cancellation) => commit.WriteAsync(async connection =>
    {
        var cancel = await OperationGate.HoldAsync(connection, lease, time.GetUtcNow());
        await WriteJournalAsync(connection, lease.Operation, progress, warnings, lines);
        return cancel;
    }, cancellation);

    public static async Task WriteJournalAsync(DbConnection connection, Guid operation, OperationProgress? progress, int warnings, IReadOnlyList<LogLine> lines)
    {
        if (progress is not null || warnings > 0)
            await connection.ExecuteAsync("""
            UPDATE operations SET progress_done = COALESCE(@Done, progress_done), progress_total = CASE WHEN @Done IS NULL THEN progress_total ELSE @Total END,
                progress_unit = COALESCE(@Unit, progress_unit), warnings = @warnings WHERE id = @operation
            """, new { progress?.Done, progress?.Total, progress?.Unit, warnings, operation });
        // Numbers come from the run; a line whose commit was in doubt is written again and changes nothing.
        if (lines.Count > 0)
            await connection.ExecuteAsync("""
                INSERT INTO operation_log (operation_id, number, at, level, text) VALUES (@operation, @Number, @At, @level, @Text) ON CONFLICT (operation_id, number) DO NOTHING
                """, lines.Select(l => new { operation, l.Number, l.At, level = l.Level.ToColumn(), l.Text }));
    }

    private Task FencedAsync(Lease lease, Func<DbConnection, DateTimeOffset, Task> write, CancellationToken cancellation) => commit.WriteAsync(async connection =>
    {
        var now = time.GetUtcNow();
        await OperationGate.HoldAsync(connection, lease, now);
        await write(connection, now);
    }, cancellation);
}
