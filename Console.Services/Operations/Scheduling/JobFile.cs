using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Quarterdeck.Operations.Scheduling;

/// <summary>On SQLite the job engine has a file of its own beside the database, so that its many small writes never wait for, or hold up, the console's.</summary>
/// <remarks>Nothing in it is precious: the sweep tells the engine again whatever the file has lost. So it is not synchronised at each commit.</remarks>
internal sealed class JobFile(string path) : DbDataSource
{
    public override string ConnectionString { get; } = new SqliteConnectionStringBuilder { DataSource = path, Pooling = true, DefaultTimeout = 10 }.ConnectionString;

    /// <summary>The file that belongs to the database in <paramref name="database"/>.</summary>
    public static JobFile Beside(string database) => new(Path.ChangeExtension(new SqliteConnectionStringBuilder(database).DataSource, ".jobs.db"));

    protected override DbConnection CreateDbConnection() => new SqliteConnection(ConnectionString);

    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=10000;";
        command.ExecuteNonQuery();
        return connection;
    }

    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) => new(OpenDbConnection());

    protected override void Dispose(bool disposing)
    {
        using var connection = new SqliteConnection(ConnectionString);
        SqliteConnection.ClearPool(connection);
    }
}
