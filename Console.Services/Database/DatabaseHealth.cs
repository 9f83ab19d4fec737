using Dapper;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Database;

/// <summary>How the database did lately.</summary>
/// <param name="Available">Whether the last use of it worked.</param>
/// <param name="Since">Since when that is so.</param>
/// <param name="Reason">Why it is not available, in words; null when it is.</param>
/// <param name="LastSuccess">When it last worked; null for never.</param>
/// <param name="LastFailure">When it last failed; null for never.</param>
public sealed record DatabaseState(bool Available, DateTimeOffset Since, string? Reason, DateTimeOffset? LastSuccess, DateTimeOffset? LastFailure);

/// <summary>Watches the database: every use of it is noted, and while it is away it is asked again until it is back.</summary>
public sealed partial class DatabaseHealth(Db db, TimeProvider time, ILogger<DatabaseHealth> logger) : BackgroundService
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How it stands.</summary>
    public DatabaseState State => db.Watch.State;

    /// <summary>Raised after <see cref="DatabaseState.Available"/> changed, on any thread.</summary>
    public event Action<DatabaseState>? Changed
    {
        add => db.Watch.Changed += value;
        remove => db.Watch.Changed -= value;
    }

    /// <summary>Asks the database now. After a failure it has to take a small write, too: a full disk or a locked file still reads well.</summary>
    public async Task<DatabaseState> CheckAsync(CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            if (State.Available)
            {
                await ReadAsync(patience.Token);
            }
            else
            {
                await WriteAsync(patience.Token);
                db.Watch.Recovered();
            }
        }
        catch (DatabaseUnavailableException)
        {
            // Noted already, with its reason.
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            db.Watch.Failed(new DatabaseUnavailableException($"The database did not answer within {Patience.TotalSeconds:0} s."));
        }
        return State;
    }

    /// <summary>Asks each second while the database is away, and when nobody used it for a while.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Changed += Tell;
        try
        {
            while (true)
            {
                await Task.Delay(Beat, time, stoppingToken);
                var state = State;
                if (state.Available && state.LastSuccess is { } last && time.GetUtcNow() - last < Silence) continue;
                try { await CheckAsync(stoppingToken); }
                catch (Exception e) when (e is not OperationCanceledException) { Log.ProbeFailed(logger, e); }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
        finally
        {
            Changed -= Tell;
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteScalarAsync<int>(new CommandDefinition("SELECT COUNT(*) FROM database_probe", cancellationToken: cancellation));
    }

    // Takes more than a page, so that a full disk shows, and gives it back.
    private async Task WriteAsync(CancellationToken cancellation)
    {
        await db.TransactionAsync(c => c.ExecuteAsync(new CommandDefinition(
            "INSERT INTO database_probe (id, filler) VALUES (1, @filler) ON CONFLICT (id) DO UPDATE SET filler = @filler", new { filler = new byte[64 << 10] }, cancellationToken: cancellation)), cancellation);
        await db.TransactionAsync(c => c.ExecuteAsync(new CommandDefinition("UPDATE database_probe SET filler = NULL", cancellationToken: cancellation)), cancellation);
    }

    private void Tell(DatabaseState state)
    {
        if (state.Available) Log.Back(logger);
        else Log.Away(logger, state.Reason!);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The database is not available: {Reason}")]
        public static partial void Away(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Information, "The database is available again.")]
        public static partial void Back(ILogger logger);

        [LoggerMessage(LogLevel.Error, "The database cannot be asked how it is.")]
        public static partial void ProbeFailed(ILogger logger, Exception error);
    }
}
