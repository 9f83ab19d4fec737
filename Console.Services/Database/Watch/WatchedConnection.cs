using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;

namespace Quarterdeck.Database.Watch;

/// <summary>A connection of the driver whose errors are told in words and noted.</summary>
internal sealed class WatchedConnection(DbConnection inner, DatabaseWatch watch) : DbConnection
{
    [AllowNull]
    public override string ConnectionString { get => inner.ConnectionString; set => inner.ConnectionString = value; }
    public override string Database => inner.Database;
    public override string DataSource => inner.DataSource;
    public override string ServerVersion => inner.ServerVersion;
    public override ConnectionState State => inner.State;
    public override int ConnectionTimeout => inner.ConnectionTimeout;

    public override void Open()
    {
        try { inner.Open(); }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    public override async Task OpenAsync(CancellationToken cancellationToken)
    {
        try { await inner.OpenAsync(cancellationToken); }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    public override void Close() => inner.Close();
    public override Task CloseAsync() => inner.CloseAsync();
    public override void ChangeDatabase(string databaseName) => inner.ChangeDatabase(databaseName);

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel)
    {
        try { return inner.BeginTransaction(isolationLevel); }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    protected override async ValueTask<DbTransaction> BeginDbTransactionAsync(IsolationLevel isolationLevel, CancellationToken cancellationToken)
    {
        try { return await inner.BeginTransactionAsync(isolationLevel, cancellationToken); }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    protected override DbCommand CreateDbCommand() => new WatchedCommand(inner.CreateCommand(), this, watch);

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
