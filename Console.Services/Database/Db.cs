using System.Data.Common;

namespace Quarterdeck.Database;

/// <summary>The console's database: SQLite in the data folder, or PostgreSQL. Stores write raw SQL with Dapper against it.</summary>
public sealed class Db(DbDataSource source, Dialect dialect)
{
    /// <summary>The few things that SQLite and PostgreSQL spell differently.</summary>
    public Dialect Dialect => dialect;

    /// <summary>The pooled source of connections.</summary>
    public DbDataSource Source => source;

    /// <summary>An open connection; dispose it soon.</summary>
    public ValueTask<DbConnection> OpenAsync(CancellationToken cancellation) => source.OpenConnectionAsync(cancellation);
}
