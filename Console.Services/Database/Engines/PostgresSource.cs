using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using Npgsql;

namespace Quarterdeck.Database.Engines;

/// <summary>The pool of PostgreSQL connections. One that has rested is tried before it is handed out, because after a restart of the server every pooled connection is dead and only the first statement would tell.</summary>
internal sealed class PostgresSource : DbDataSource
{
    private static readonly TimeSpan Rested = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<int, long> _used = new(); // server process -> when it was last handed out
    private readonly NpgsqlDataSource _pool;

    /// <param name="text">A connection string; what it does not say gets our defaults.</param>
    public PostgresSource(string text)
    {
        NpgsqlConnectionStringBuilder given;
        try { given = new NpgsqlConnectionStringBuilder(text); }
        catch (ArgumentException e) { throw Unfit($"this is no PostgreSQL connection string ({e.Message})", e); }
        if (given.Host is not { Length: > 0 }) throw Unfit("'Host' is missing");
        _pool = new NpgsqlDataSourceBuilder(Defaults(given).ConnectionString).Build();
    }

    public override string ConnectionString => _pool.ConnectionString;

    protected override DbConnection CreateDbConnection() => _pool.CreateConnection();

    protected override DbConnection OpenDbConnection()
    {
        var connection = _pool.OpenConnection();
        if (IsFresh(connection)) return connection;
        try
        {
            using var command = new NpgsqlCommand("SELECT 1", connection);
            command.ExecuteNonQuery();
            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (!Transience.IsBroken(e)) throw;
        }
        Forget();
        return _pool.OpenConnection();
    }

    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        var connection = await _pool.OpenConnectionAsync(cancellationToken);
        if (IsFresh(connection)) return connection;
        try
        {
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            if (!Transience.IsBroken(e)) throw;
        }
        Forget();
        return await _pool.OpenConnectionAsync(cancellationToken);
    }

    protected override void Dispose(bool disposing) => _pool.Dispose();

    protected override ValueTask DisposeAsyncCore() => _pool.DisposeAsync();

    private bool IsFresh(NpgsqlConnection connection)
    {
        var now = Stopwatch.GetTimestamp();
        var fresh = !_used.TryGetValue(connection.ProcessID, out var last) || Stopwatch.GetElapsedTime(last, now) < Rested;
        _used[connection.ProcessID] = now;
        return fresh;
    }

    // One was dead, so the others are, too.
    private void Forget()
    {
        _pool.Clear();
        _used.Clear();
    }

    private static InvalidDataException Unfit(string why, Exception? inner = null) =>
        new($"QUARTERDECK_DATABASE: {why}. Example: Host=db.example;Database=quarterdeck;Username=quarterdeck;Password=…", inner);

    private static NpgsqlConnectionStringBuilder Defaults(NpgsqlConnectionStringBuilder given)
    {
        void Default(string key, object value)
        {
            if (!given.ShouldSerialize(key)) given[key] = value; // ContainsKey would tell whether the driver knows the key
        }
        Default("Application Name", "quarterdeck");
        Default("Timeout", 5); // seconds to connect: a page should rather say that the database is away
        Default("Command Timeout", 30);
        Default("Keepalive", 15); // finds a connection whose other end vanished without a word
        Default("Maximum Pool Size", 30); // PostgreSQL's own default is 100 for all nodes and the job engine together
        IdleTransactions.End(given);
        return given;
    }
}
