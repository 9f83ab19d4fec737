using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Quarterdeck.Database;

/// <summary>Which engine the one text of SQL runs on.</summary>
public enum DatabaseEngine { Sqlite, Postgres }

/// <summary>What the two engines spell differently; everything else is written once, in their common part.</summary>
public sealed record Dialect(DatabaseEngine Engine)
{
    /// <summary>Column type of bytes; <c>{blob}</c> in migrations.</summary>
    public string Blob => Engine is DatabaseEngine.Sqlite ? "BLOB" : "BYTEA";

    /// <summary>Type of a primary key that counts by itself; <c>{identity}</c> in migrations.</summary>
    public string Identity => Engine is DatabaseEngine.Sqlite
        ? "INTEGER PRIMARY KEY AUTOINCREMENT" : "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";

    /// <summary>A migration's text for this engine: <c>{blob}</c> and <c>{identity}</c> are filled in, and of <c>-- only sqlite</c> or <c>-- only postgres</c> … <c>-- end</c> only the own part stays.</summary>
    public string Script(string text)
    {
        var kept = new List<string>();
        var mine = true;
        foreach (var line in text.Split('\n'))
        {
            var mark = line.Trim();
            if (mark.StartsWith("-- only ", StringComparison.Ordinal)) mine = mark["-- only ".Length..] == Engine.ToColumn();
            else if (mark == "-- end") mine = true;
            else if (mine) kept.Add(line);
        }
        return string.Join('\n', kept).Replace("{blob}", Blob, StringComparison.Ordinal).Replace("{identity}", Identity, StringComparison.Ordinal);
    }

    /// <summary>Ends a SELECT that claims rows, so that two nodes never claim the same one. Empty on SQLite, where one writer runs at a time.</summary>
    public string SkipLocked => Engine is DatabaseEngine.Sqlite ? "" : "FOR UPDATE SKIP LOCKED";

    /// <summary>Ends a SELECT whose rows must not change until the transaction ends. Empty on SQLite, where one writer runs at a time.</summary>
    public string ForUpdate => Engine is DatabaseEngine.Sqlite ? "" : "FOR UPDATE";

    /// <summary>A condition that is true when <paramref name="column"/> contains <c>@parameter</c>, whatever the case; escape the value with <see cref="Contains"/>.</summary>
    public string Like(string column, string parameter) => Engine is DatabaseEngine.Sqlite
        ? $"{column} LIKE @{parameter} ESCAPE '\\'" : $"{column} ILIKE @{parameter} ESCAPE '\\'";

    /// <summary>The value of a <see cref="Like"/> parameter: finds <paramref name="text"/> anywhere, its wildcards taken literally.</summary>
    public static string Contains(string text) =>
        "%" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal) + "%";

    /// <summary>Whether a row with the same unique key exists already.</summary>
    public static bool IsUniqueViolation(DbException error) => error switch
    {
        SqliteException { SqliteExtendedErrorCode: 1555 or 2067 } => true,
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } => true,
        _ => false,
    };

    /// <summary>Whether a row that is referred to does not exist, or one that is still referred to was deleted.</summary>
    public static bool IsForeignKeyViolation(DbException error) => error switch
    {
        SqliteException { SqliteExtendedErrorCode: 787 } => true,
        PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation } => true,
        _ => false,
    };
}
