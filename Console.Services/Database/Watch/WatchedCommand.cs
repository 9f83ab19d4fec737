using System.Data;
using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Quarterdeck.Database.Watch;

/// <summary>A command of the driver whose errors are told in words and whose duration is noted.</summary>
internal sealed class WatchedCommand(DbCommand inner, WatchedConnection connection, DatabaseWatch watch) : DbCommand
{
    [AllowNull]
    public override string CommandText { get => inner.CommandText; set => inner.CommandText = value; }
    public override int CommandTimeout { get => inner.CommandTimeout; set => inner.CommandTimeout = value; }
    public override CommandType CommandType { get => inner.CommandType; set => inner.CommandType = value; }
    public override bool DesignTimeVisible { get => inner.DesignTimeVisible; set => inner.DesignTimeVisible = value; }
    public override UpdateRowSource UpdatedRowSource { get => inner.UpdatedRowSource; set => inner.UpdatedRowSource = value; }
    protected override DbConnection? DbConnection { get => connection; set => throw new NotSupportedException("A command stays on its connection."); }
    protected override DbParameterCollection DbParameterCollection => inner.Parameters;
    protected override DbTransaction? DbTransaction { get => inner.Transaction; set => inner.Transaction = value; }

    public override void Cancel() => inner.Cancel();
    public override void Prepare() => inner.Prepare();
    protected override DbParameter CreateDbParameter() => inner.CreateParameter();

    public override int ExecuteNonQuery() => Run(() => inner.ExecuteNonQuery());
    public override object? ExecuteScalar() => Run(() => inner.ExecuteScalar());
    protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => Run(() => inner.ExecuteReader(behavior));

    public override Task<int> ExecuteNonQueryAsync(CancellationToken cancellationToken) => RunAsync(() => inner.ExecuteNonQueryAsync(cancellationToken));
    public override Task<object?> ExecuteScalarAsync(CancellationToken cancellationToken) => RunAsync(() => inner.ExecuteScalarAsync(cancellationToken));
    protected override Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken) =>
        RunAsync(() => inner.ExecuteReaderAsync(behavior, cancellationToken));

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    private T Run<T>(Func<T> execute)
    {
        StoreAsText();
        var began = Stopwatch.GetTimestamp();
        try
        {
            var result = execute();
            watch.Succeeded(began);
            return result;
        }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    private async Task<T> RunAsync<T>(Func<Task<T>> execute)
    {
        StoreAsText();
        var began = Stopwatch.GetTimestamp();
        try
        {
            var result = await execute();
            watch.Succeeded(began);
            return result;
        }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    // Dapper leaves its type handlers aside for the elements of "IN @ids"; SQLite would then compare upper-case text.
    private void StoreAsText()
    {
        foreach (DbParameter parameter in inner.Parameters)
        {
            switch (parameter.Value)
            {
                case Guid id:
                    parameter.DbType = DbType.String;
                    parameter.Value = id.ToString("D");
                    break;
                case DateTimeOffset time:
                    parameter.DbType = DbType.Int64;
                    parameter.Value = Timestamp.ToColumn(time);
                    break;
            }
        }
    }
}
