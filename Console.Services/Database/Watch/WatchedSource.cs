using System.Data.Common;

namespace Quarterdeck.Database.Watch;

/// <summary>Hands out connections whose errors are told in words and noted.</summary>
internal sealed class WatchedSource(DbDataSource source, DatabaseWatch watch) : DbDataSource
{
    public override string ConnectionString => source.ConnectionString;

    protected override DbConnection CreateDbConnection() => new WatchedConnection(source.CreateConnection(), watch);

    protected override DbConnection OpenDbConnection()
    {
        try
        {
            return new WatchedConnection(source.OpenConnection(), watch);
        }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return new WatchedConnection(await source.OpenConnectionAsync(cancellationToken), watch);
        }
        catch (Exception e) when (watch.Failed(e) is { } fault) { throw fault; }
    }

    protected override void Dispose(bool disposing)
    {
        source.Dispose();
        watch.Dispose();
    }

    protected override async ValueTask DisposeAsyncCore()
    {
        await source.DisposeAsync();
        watch.Dispose();
    }
}
