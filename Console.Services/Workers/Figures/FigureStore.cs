using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Figures;

/// <summary>The table <c>worker_figures</c>.</summary>
internal sealed class FigureStore(Db db)
{
    private const string Columns = "serial, seconds, at, version, node, requests, errors, cold_starts, wall_micros, cpu_micros, memory_bytes, limits, wall, cpu";

    public Task SaveAsync(IReadOnlyList<FigureRow> rows, CancellationToken cancellation) =>
        rows.Count == 0 ? Task.CompletedTask : db.TransactionAsync(connection => InsertAsync(connection, rows), cancellation);

    /// <summary>A worker's rows from a moment on.</summary>
    public async Task<IReadOnlyList<FigureRow>> ReadAsync(long serial, DateTimeOffset from, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<FigureRow>(new CommandDefinition(
            $"SELECT {Columns} FROM worker_figures WHERE serial = @serial AND seconds IN (60, 3600) AND at >= @from ORDER BY at", new { serial, from }, cancellationToken: cancellation))];
    }

    /// <summary>Minutes of some workers from a moment on that other nodes stored.</summary>
    public async Task<IReadOnlyList<FigureRow>> ElsewhereAsync(IReadOnlyList<long> serials, DateTimeOffset from, string node, CancellationToken cancellation)
    {
        if (serials.Count == 0) return [];
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<FigureRow>(new CommandDefinition(
            $"SELECT {Columns} FROM worker_figures WHERE serial IN @serials AND seconds = 60 AND at >= @from AND node <> @node", new { serials, from, node }, cancellationToken: cancellation))];
    }

    /// <summary>Makes one hour of the oldest hour's minutes, if it ended before <paramref name="before"/>; whether there was one. Each row is taken by one node only.</summary>
    public Task<bool> FoldAsync(DateTimeOffset before, string node, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        if (await connection.ExecuteScalarAsync<long?>("SELECT MIN(at) FROM worker_figures WHERE seconds = 60") is not { } oldest) return false;
        var first = DateTimeOffset.UnixEpoch.AddMicroseconds(oldest);
        var hour = new DateTimeOffset(first.Year, first.Month, first.Day, first.Hour, 0, 0, TimeSpan.Zero);
        var end = hour.AddHours(1);
        if (end > before) return false;
        var rows = await connection.QueryAsync<FigureRow>(
            $"DELETE FROM worker_figures WHERE (seconds = 60 AND at >= @hour AND at < @end) OR (seconds = 3600 AND at = @hour AND node = @node) RETURNING {Columns}", new { hour, end, node });
        await InsertAsync(connection, [.. rows.GroupBy(row => new WorkerKey(row.Serial, row.Version)).Select(one =>
        {
            var (totals, memory) = FigureRow.Sum(one);
            return FigureRow.Of(one.Key, totals, memory, hour, 3600, node);
        })]);
        return true;
    }, cancellation);

    public async Task PruneAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_figures WHERE seconds = 3600 AND at < @before", new { before }, cancellationToken: cancellation));
    }

    private static Task<int> InsertAsync(DbConnection connection, IReadOnlyList<FigureRow> rows) => connection.ExecuteAsync($"""
        INSERT INTO worker_figures ({Columns})
        VALUES (@Serial, @Seconds, @At, @Version, @Node, @Requests, @Errors, @ColdStarts, @WallMicros, @CpuMicros, @MemoryBytes, @Limits, @Wall, @Cpu)
        ON CONFLICT (serial, seconds, at, version, node) DO NOTHING
        """, rows);
}
