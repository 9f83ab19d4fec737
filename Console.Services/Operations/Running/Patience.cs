using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Running;

/// <summary>Waits with the bookkeeping of running operations while the database is away, within a bound.</summary>
internal sealed partial class Patience(IOptions<OperationsOptions> options, TimeProvider time, ILogger<Patience> logger)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    /// <summary>Runs idempotent bookkeeping, again while the database is away.</summary>
    /// <exception cref="DatabaseAwayException">The database did not come back in time.</exception>
    public async Task<T> WithAsync<T>(Func<CancellationToken, Task<T>> bookkeeping, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        for (var wait = First; ; wait = wait * 2 > Longest ? Longest : wait * 2)
        {
            try
            {
                return await bookkeeping(cancellation);
            }
            catch (Exception e) when (IsAway(e))
            {
                if (time.GetElapsedTime(began) > options.Value.DatabasePatience) throw new DatabaseAwayException(e);
                if (wait == Longest) Log.Waiting(logger, e.Message);
                await Task.Delay(wait, time, cancellation);
            }
        }
    }

    public Task WithAsync(Func<CancellationToken, Task> bookkeeping, CancellationToken cancellation) =>
        WithAsync(async token => { await bookkeeping(token); return 0; }, cancellation);

    /// <summary>Whether the database is unreachable, busy or full, so that the same statement may succeed later.</summary>
    public static bool IsAway(Exception error) => DatabaseUnavailableException.From(error) is not null;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The bookkeeping of operations waits for the database: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);
    }
}

/// <summary>The database stayed away for longer than operations wait. The run stops where it is and is resumed once the database is back.</summary>
internal sealed class DatabaseAwayException(Exception inner) : Exception("The database stayed away for too long.", inner);
