using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Quarterdeck.Operations.Scheduling;

/// <summary>On SQLite the job engine has a file of its own beside the database, so that its many small writes never wait for, or hold up, the console's.</summary>
/// <remarks>Nothing in it is precious: the sweep tells the engine again whatever the file has lost. So it is not synchronised at each commit.</remarks>
internal sealed class JobFile : DbDataSource
{
    private JobFile(string path)
    {
        ConnectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = true, DefaultTimeout = 10 }.ConnectionString;
        using var connection = CreateDbConnection();
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL"; // stays with the file
        command.ExecuteNonQuery();
    }

    public override string ConnectionString { get; }

    /// <summary>The file that belongs to the database in <paramref name="database"/>.</summary>
    public static JobFile Beside(string database) => new(Path.ChangeExtension(new SqliteConnectionStringBuilder(database).DataSource, ".jobs.db"));

    protected override DbConnection CreateDbConnection() => new Connection(ConnectionString);

    protected override void Dispose(bool disposing)
    {
        using var connection = new SqliteConnection(ConnectionString);
        SqliteConnection.ClearPool(connection);
    }

    /// <summary>Quartz opens its connections itself, and this setting is forgotten with each of them.</summary>
    private sealed class Connection(string text) : SqliteConnection(text)
    {
        public override void Open()
        {
            base.Open();
            using var command = CreateCommand();
            command.CommandText = "PRAGMA synchronous=NORMAL";
            command.ExecuteNonQuery();
        }
    }
}
