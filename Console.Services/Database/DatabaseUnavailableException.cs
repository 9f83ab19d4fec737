using Quarterdeck.Database.Engines;
using Quarterdeck.Platform;

namespace Quarterdeck.Database;

/// <summary>The database is away, locked or full: a problem (Unavailable, 503) that may pass. An operation that meets it is tried again.</summary>
/// <remarks>Every connection of <see cref="Db"/> throws it in the driver's place; other errors of the driver stay as they are.</remarks>
public sealed class DatabaseUnavailableException(string reason, Exception? inner = null)
    : ProblemException(Problem.Unavailable("The database is not available", reason), inner)
{
    /// <summary>What is wrong, in words.</summary>
    public string Reason => Problem.Detail;

    /// <summary>One line: the cause is outside this program, and while it lasts many callers log it; a stack trace of each would bury the rest.</summary>
    public override string ToString() => InnerException is null ? $"{GetType().Name}: {Message}" : $"{GetType().Name}: {Message} ({InnerException.GetType().Name}: {InnerException.Message})";

    /// <summary>The same error in words when <paramref name="error"/> or a cause of it says that the database is away; else null. For errors of a driver's connection that does not come from <see cref="Db"/>, such as the job engine's.</summary>
    public static DatabaseUnavailableException? From(Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is DatabaseUnavailableException already) return already;
            if (Faults.Reason(cause) is { } reason) return new DatabaseUnavailableException(reason, error);
        }
        return null;
    }
}
