using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations.Running;

/// <summary>Opens runs with what is stored of them: finished steps, the log's last number.</summary>
internal sealed class RunFactory(Db db, StepStore steps, Patience patience, OperationFeed feed, HoldPoint hold, TimeProvider time)
{
    public Task<OperationRun> OpenAsync(OperationRow row, CancellationToken cancellation) => patience.WithAsync(async token =>
    {
        // A first run has nothing stored.
        if (row.Attempt <= 1) return Make(row, [], 0);
        await using var connection = await db.OpenAsync(token);
        var known = await StepStore.ReadAsync(connection, [row.Id]);
        var last = await connection.ExecuteScalarAsync<long>("SELECT COALESCE(MAX(number), 0) FROM operation_log WHERE operation_id = @Id", new { row.Id });
        return Make(row, known, last);
    }, cancellation);

    private OperationRun Make(OperationRow row, IReadOnlyList<StepRow> known, long lastLine) => new(row, known, lastLine, steps, patience, time, hold, id => feed.Changed(id));
}
