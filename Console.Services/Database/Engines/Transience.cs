using Npgsql;

namespace Quarterdeck.Database.Engines;

/// <summary>Which errors of a transaction pass when it simply runs again.</summary>
internal static class Transience
{
    private const int MaxConflicts = 5;

    /// <summary>Whether a transaction that failed with <paramref name="error"/> may run again.</summary>
    /// <param name="error">What it threw.</param>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="committing">Whether COMMIT was under way: after a broken connection nobody knows then whether it happened, so it never runs twice.</param>
    public static bool MayRunAgain(Exception error, int attempt, bool committing) => error switch
    {
        DatabaseUnavailableException { InnerException: { } cause } => MayRunAgain(cause, attempt, committing),
        // The server says itself that it rolled back, also when it says so in answer to COMMIT.
        PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected } => attempt < MaxConflicts,
        _ => attempt == 1 && !committing && IsBroken(error),
    };

    /// <summary>Whether the connection is gone: after a restart of PostgreSQL every pooled connection fails once like this.</summary>
    public static bool IsBroken(Exception error) => error switch
    {
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or IdleTransactions.Ended } => true,
        PostgresException => false,
        NpgsqlException { InnerException: IOException or System.Net.Sockets.SocketException } => true,
        _ => false,
    };
}
