using Npgsql;

namespace Quarterdeck.Database;

/// <summary>What PostgreSQL does with a transaction whose client has gone quiet.</summary>
/// <remarks>A node that is paused (SIGSTOP, a frozen VM) in the middle of a transaction would keep its row locks, and nobody could take its operations over.</remarks>
public static class IdleTransactions
{
    /// <summary>The server's code for such an end: <c>idle_in_transaction_session_timeout</c> (PostgreSQL, appendix A, class 25).</summary>
    internal const string Ended = "25P03";

    /// <summary>Lets the server end a transaction whose client has said nothing for 5 s, unless the connection string has <c>Options</c> of its own.</summary>
    /// <param name="settings">Of a pool that is about to be made.</param>
    public static void End(NpgsqlConnectionStringBuilder settings)
    {
        if (!settings.ShouldSerialize("Options")) settings.Options = "-c idle_in_transaction_session_timeout=5s";
    }
}
