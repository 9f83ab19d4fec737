using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Quarterdeck.Database.Engines;

/// <summary>Connections to the SQLite file, each with the settings that SQLite forgets when a connection closes.</summary>
internal sealed class SqliteSource(string path, TimeSpan busyTimeout) : DbDataSource
{
    private readonly string _pragmas = $"PRAGMA busy_timeout={(long)busyTimeout.TotalMilliseconds}; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;";

    public override string ConnectionString { get; } = new SqliteConnectionStringBuilder
    {
        DataSource = path,
        ForeignKeys = true,
        Pooling = true,
        // Microsoft.Data.Sqlite asks again after SQLite gave up; one round of SQLite's own waiting is enough.
        DefaultTimeout = Math.Max(1, (int)busyTimeout.TotalSeconds),
    }.ConnectionString;

    /// <summary>Makes the folder and the file, readable by this user only, in WAL mode: readers and the writer don't wait for each other.</summary>
    public void Prepare()
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder)) Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (!File.Exists(path))
            new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }).Dispose();
        using var connection = OpenDbConnection();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL";
        if (command.ExecuteScalar() is not "wal")
            throw new IOException($"SQLite cannot use its write-ahead log on '{path}': the file system lacks shared memory. Put QUARTERDECK_DATA on a local disk.");
    }

    protected override DbConnection CreateDbConnection() => new SqliteConnection(ConnectionString);

    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(ConnectionString);
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = _pragmas;
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(OpenDbConnection());
    }

    protected override void Dispose(bool disposing)
    {
        using var connection = new SqliteConnection(ConnectionString);
        SqliteConnection.ClearPool(connection);
    }
}
