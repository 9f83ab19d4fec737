using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Quarterdeck.Database.Engines;

/// <summary>Which errors of the drivers mean that the database is away, locked or full, in words.</summary>
internal static class Faults
{
    /// <summary>Why the database is not available; null when the error is about the statement or the data.</summary>
    public static string? Reason(Exception error) => error switch
    {
        SqliteException sqlite => Sqlite(sqlite.SqliteErrorCode),
        PostgresException server => Server(server),
        NpgsqlException { InnerException: TimeoutException } client => client.Message.Contains("pool", StringComparison.OrdinalIgnoreCase)
            ? "All connections to PostgreSQL are in use. Raise 'Maximum Pool Size' in QUARTERDECK_DATABASE if this happens often."
            : "PostgreSQL did not answer in time.",
        // What .NET makes of a unix socket whose file does not exist.
        NpgsqlException { InnerException: SocketException { SocketErrorCode: SocketError.AddressNotAvailable } } => "PostgreSQL cannot be reached: its socket does not exist. Is it running?",
        NpgsqlException { InnerException: SocketException socket } => $"PostgreSQL cannot be reached: {socket.Message}. Is it running?",
        NpgsqlException { InnerException: IOException } => "The connection to PostgreSQL broke.",
        _ => null,
    };

    private static string? Sqlite(int code) => code switch
    {
        5 or 6 => $"Another program has held the database file for more than {Db.BusyTimeout.TotalSeconds:0} s. End it, or try again later.",
        8 => "The database file cannot be written. Its folder and files must belong to the console's user.",
        10 => "The disk that holds the database failed to read or write.",
        13 => "The disk that holds the database is full. Make room in the data folder.",
        14 => "The database file cannot be opened. Its folder must exist and belong to the console's user.",
        11 or 26 => "The database file is damaged. Restore it from a backup.",
        _ => null,
    };

    private static string? Server(PostgresException error) => error.SqlState switch
    {
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or IdleTransactions.Ended => $"PostgreSQL ended the connection: {error.MessageText}.",
        PostgresErrorCodes.CannotConnectNow => $"PostgreSQL does not take connections yet: {error.MessageText}.",
        PostgresErrorCodes.TooManyConnections => "PostgreSQL takes no more connections. Raise its max_connections, or lower 'Maximum Pool Size' in QUARTERDECK_DATABASE.",
        PostgresErrorCodes.DiskFull => "The disk that holds PostgreSQL's data is full. Make room there.",
        PostgresErrorCodes.OutOfMemory => "PostgreSQL is out of memory.",
        PostgresErrorCodes.IoError => $"PostgreSQL failed to read or write: {error.MessageText}.",
        PostgresErrorCodes.ReadOnlySqlTransaction => "PostgreSQL takes no changes: it is a standby, or set to read only.",
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName =>
            $"PostgreSQL refuses the console: {error.MessageText}. Check user, password and database in QUARTERDECK_DATABASE.",
        _ => null,
    };
}
