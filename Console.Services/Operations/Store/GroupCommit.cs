using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Store;

/// <summary>The bookkeeping's transactions. On SQLite, where writers line up anyway, those that wait share one transaction and one synchronisation of the disk; on PostgreSQL each has its own.</summary>
internal sealed class GroupCommit(Db db)
{
    private readonly Lock _gate = new();
    private List<IWork> _waiting = [];
    private bool _running;

    /// <summary>Runs <paramref name="work"/> in a transaction; returns after its commit. What it throws undoes only its own statements.</summary>
    /// <param name="work">May run again; changes nothing but the database.</param>
    /// <param name="cancellation">Gives up before the work begins.</param>
    public Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellation)
    {
        if (db.Dialect.Engine is not DatabaseEngine.Sqlite) return db.TransactionAsync(work, cancellation);
        var entry = new Work<T>(work, cancellation);
        lock (_gate)
        {
            _waiting.Add(entry);
            if (_running) return entry.Task;
            _running = true;
        }
        // Its own flow: the first caller's log scope and the like are not the others'.
        using (ExecutionContext.SuppressFlow()) _ = Task.Run(RunAsync, CancellationToken.None);
        return entry.Task;
    }

    public Task WriteAsync(Func<DbConnection, Task> work, CancellationToken cancellation) =>
        WriteAsync(async connection => { await work(connection); return true; }, cancellation);

    private async Task RunAsync()
    {
        while (Take() is { } group)
        {
            try
            {
                await db.TransactionAsync(async connection =>
                {
                    foreach (var work in group) await RunOneAsync(connection, work, alone: group.Count == 1);
                }, CancellationToken.None);
                foreach (var work in group) work.Committed();
            }
            catch (Exception e)
            {
                foreach (var work in group) work.Failed(e);
            }
        }
    }

    private static async Task RunOneAsync(DbConnection connection, IWork work, bool alone)
    {
        if (alone)
        {
            await work.RunAsync(connection);
            return;
        }
        await connection.ExecuteAsync("SAVEPOINT work");
        try
        {
            await work.RunAsync(connection);
            await connection.ExecuteAsync("RELEASE work");
        }
        catch (Exception e) when (DatabaseUnavailableException.From(e) is null)
        {
            await connection.ExecuteAsync("ROLLBACK TO work");
            await connection.ExecuteAsync("RELEASE work");
            work.Refused(e);
        }
    }

    private List<IWork>? Take()
    {
        lock (_gate)
        {
            if (_waiting.Count == 0)
            {
                _running = false;
                return null;
            }
            var group = _waiting;
            _waiting = [];
            return group;
        }
    }

    private interface IWork
    {
        Task RunAsync(DbConnection connection);
        void Refused(Exception error);
        void Committed();
        void Failed(Exception error);
    }

    private sealed class Work<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellation) : IWork
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;
        private Exception? _refusal;

        public Task<T> Task => _done.Task;

        public async Task RunAsync(DbConnection connection)
        {
            _refusal = null; // of an earlier try of the whole transaction
            cancellation.ThrowIfCancellationRequested();
            _result = await work(connection);
        }

        public void Refused(Exception error) => _refusal = error;

        public void Committed()
        {
            if (_refusal is not null) Failed(_refusal);
            else _done.TrySetResult(_result);
        }

        public void Failed(Exception error)
        {
            if (error is OperationCanceledException cancelled) _done.TrySetCanceled(cancelled.CancellationToken);
            else _done.TrySetException(error);
        }
    }
}
