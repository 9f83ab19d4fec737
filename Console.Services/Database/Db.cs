using System.Data;
using System.Data.Common;
using Quarterdeck.Database.Engines;
using Quarterdeck.Database.Mapping;
using Quarterdeck.Database.Watch;
using Quarterdeck.Platform;

namespace Quarterdeck.Database;

/// <summary>The console's database: SQLite in the data folder, or PostgreSQL. Stores write raw SQL with Dapper against it.</summary>
public sealed class Db : IAsyncDisposable
{
    private readonly SemaphoreSlim? _writer;
    private readonly AsyncLocal<Scope?> _scope = new();

    static Db() => TypeHandlers.Register();

    /// <summary>Over a source of connections; <see cref="For"/> makes the usual one.</summary>
    public Db(DbDataSource source, Dialect dialect)
    {
        (Source, Dialect) = (new WatchedSource(source, Watch), dialect);
        if (dialect.Engine is DatabaseEngine.Sqlite) _writer = new(1);
    }

    /// <summary>How long a SQLite writer waits for its turn before it is told that the database is busy.</summary>
    public static TimeSpan BusyTimeout { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The few things that SQLite and PostgreSQL spell differently.</summary>
    public Dialect Dialect { get; }

    /// <summary>The pooled source of connections. Their errors are <see cref="DatabaseUnavailableException"/> when the database is away, else the driver's own.</summary>
    public DbDataSource Source { get; }

    internal DatabaseWatch Watch { get; } = new();

    /// <summary>The database that the settings name. No connection is made to PostgreSQL yet; the SQLite file is made.</summary>
    /// <exception cref="InvalidDataException"><c>QUARTERDECK_DATABASE</c> is no connection string.</exception>
    public static Db For(ConsoleOptions options)
    {
        if (options.Database is { } text) return new Db(new PostgresSource(text), new Dialect(DatabaseEngine.Postgres));
        var source = new SqliteSource(Path.Combine(options.DataFolder, "quarterdeck.db"), BusyTimeout);
        source.Prepare();
        return new Db(source, new Dialect(DatabaseEngine.Sqlite));
    }

    /// <summary>An open connection; dispose it soon. For reading and for single statements; use <see cref="TransactionAsync{T}"/> when several belong together.</summary>
    public ValueTask<DbConnection> OpenAsync(CancellationToken cancellation) => Source.OpenConnectionAsync(cancellation);

    /// <summary>Runs <paramref name="work"/> in one transaction that commits when it returns and rolls back when it throws.</summary>
    /// <param name="work">Statements on the connection it is given. May run again after a deadlock, a serialisation failure or a connection that broke before the commit, so it changes nothing but the database.</param>
    /// <param name="cancellation">Ends it, rolled back.</param>
    /// <param name="isolation">PostgreSQL's isolation level; SQLite is always serialisable.</param>
    /// <remarks>On SQLite writers of this process queue here without holding a thread; a nested call throws.</remarks>
    public async Task<T> TransactionAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellation, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        if (_scope.Value is { Active: true }) throw new InvalidOperationException("A transaction is open in this flow already; pass its connection on.");
        if (_writer is not null && !await _writer.WaitAsync(BusyTimeout, cancellation))
            throw new DatabaseUnavailableException($"Another change held the database for more than {BusyTimeout.TotalSeconds:0} s. Try again.");
        var scope = _scope.Value = new Scope();
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var committing = false;
                try
                {
                    await using var connection = await OpenAsync(cancellation);
                    // On SQLite: BEGIN IMMEDIATE. A transaction that began as a reader could not become a writer when another one wrote meanwhile.
                    await using var transaction = await connection.BeginTransactionAsync(_writer is null ? isolation : IsolationLevel.Serializable, cancellation);
                    var result = await work(connection);
                    committing = true;
                    await transaction.CommitAsync(cancellation);
                    return result;
                }
                catch (Exception e) when (Transience.MayRunAgain(e, attempt, committing))
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(5, 25) * attempt), cancellation);
                }
                catch (DbException e) when (Watch.Failed(e) is { } fault) { throw fault; }
            }
        }
        finally
        {
            scope.Active = false;
            _scope.Value = null;
            _writer?.Release();
        }
    }

    /// <summary>A transaction without a result.</summary>
    public Task TransactionAsync(Func<DbConnection, Task> work, CancellationToken cancellation, IsolationLevel isolation = IsolationLevel.ReadCommitted) =>
        TransactionAsync(async connection => { await work(connection); return 0; }, cancellation, isolation);

    /// <summary>Closes the pooled connections.</summary>
    public ValueTask DisposeAsync() => Source.DisposeAsync();

    private sealed class Scope
    {
        public bool Active { get; set; } = true;
    }
}
