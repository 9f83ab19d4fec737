using System.Data.Common;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Database;

/// <summary>One numbered script.</summary>
/// <param name="Number">Its place in the order; the file name's first four digits.</param>
/// <param name="Name">The rest of the file name, <c>room-what</c>.</param>
/// <param name="Text">SQL in the common part, as <see cref="Dialect.Script"/> reads it.</param>
public sealed record Migration(int Number, string Name, string Text)
{
    /// <summary>SHA-256 of the text, line ends normalised, in lower-case hex.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text.ReplaceLineEndings("\n"))));
}

/// <summary>Brings the database's tables up to this program's version; forward only.</summary>
public sealed partial class Migrator(Db db, TimeProvider time, ILogger<Migrator> logger)
{
    private const long PostgresLock = 0x51_64_4B_00_01; // "QdK" 1: any number that nothing else locks
    private static readonly Lazy<IReadOnlyList<Migration>> Scripts = new(ReadEmbedded);

    /// <summary>The scripts inside this program, in order.</summary>
    public static IReadOnlyList<Migration> Embedded => Scripts.Value;

    /// <summary>Applies what is missing. Several nodes may call it at once: one works, the others wait.</summary>
    /// <exception cref="MigrationException">A script that was applied has changed, or the database belongs to a newer program.</exception>
    public Task MigrateAsync(CancellationToken cancellation) => MigrateAsync(Embedded, cancellation);

    internal async Task MigrateAsync(IReadOnlyList<Migration> migrations, CancellationToken cancellation)
    {
        while (await NextAsync(migrations, cancellation) is { } applied)
            Log.Applied(logger, applied.Number, applied.Name);
    }

    /// <summary>Applies the first script that is missing, in a transaction that no other node's migration overlaps; null when none is.</summary>
    private Task<Migration?> NextAsync(IReadOnlyList<Migration> migrations, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        // SQLite needs no lock of its own: BEGIN IMMEDIATE lets one writer in.
        if (db.Dialect.Engine is DatabaseEngine.Postgres)
            await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(@PostgresLock)", new { PostgresLock });
        await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, applied_at BIGINT NOT NULL)");
        var journal = (await connection.QueryAsync<Applied>("SELECT number, name, hash FROM migrations ORDER BY number")).ToDictionary(a => a.Number);
        Check(migrations, journal);
        var next = migrations.FirstOrDefault(m => !journal.ContainsKey(m.Number));
        if (next is null) return null;
        try
        {
            await connection.ExecuteAsync(db.Dialect.Script(next.Text));
        }
        catch (DbException e)
        {
            throw new MigrationException($"The database script {next.Number:0000}-{next.Name} failed and was rolled back: {e.Message}", e);
        }
        await connection.ExecuteAsync("INSERT INTO migrations (number, name, hash, applied_at) VALUES (@Number, @Name, @Hash, @now)",
            new { next.Number, next.Name, next.Hash, now = time.GetUtcNow() });
        return next;
    }, cancellation);

    private static void Check(IReadOnlyList<Migration> migrations, Dictionary<int, Applied> journal)
    {
        foreach (var migration in migrations)
        {
            if (journal.Remove(migration.Number, out var applied))
            {
                if (applied.Hash != migration.Hash)
                    throw new MigrationException($"The database script {migration.Number:0000}-{migration.Name} is not the one that this database was made with ({applied.Name}, hash {applied.Hash[..12]}; here {migration.Hash[..12]}). Scripts never change once released: run the version of the console that this database belongs to.");
                journal[migration.Number] = applied;
            }
        }
        if (journal.Values.Where(a => migrations.All(m => m.Number != a.Number)).MaxBy(a => a.Number) is { } newer)
            throw new MigrationException($"This database belongs to a newer console: it has the script {newer.Number:0000}-{newer.Name}, which this version does not know. Start the newer version, or restore the database from before the upgrade.");
    }

    private static Migration[] ReadEmbedded()
    {
        var assembly = typeof(Migrator).Assembly;
        var migrations = assembly.GetManifestResourceNames().Where(n => n.StartsWith("migrations/", StringComparison.Ordinal)).Select(n => Read(assembly, n)).OrderBy(m => m.Number).ToArray();
        var twice = migrations.GroupBy(m => m.Number).FirstOrDefault(g => g.Count() > 1);
        return twice is null ? migrations : throw new InvalidOperationException($"Two database scripts have the number {twice.Key:0000}: {string.Join(" and ", twice.Select(m => m.Name))}.");
    }

    private static Migration Read(Assembly assembly, string resource)
    {
        var name = Path.GetFileNameWithoutExtension(resource["migrations/".Length..]);
        if (name.Length < 6 || name[4] != '-' || !int.TryParse(name.AsSpan(0, 4), out var number))
            throw new InvalidOperationException($"The database script '{name}' is not named NNNN-room-what.sql.");
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
        return new Migration(number, name[5..], reader.ReadToEnd());
    }

    private sealed record Applied(int Number, string Name, string Hash);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Applied the database script {Number:0000}-{Name}.")]
        public static partial void Applied(ILogger logger, int number, string name);
    }
}

/// <summary>The database's tables and this program do not fit together; the message says how, and what to do.</summary>
public sealed class MigrationException(string message, Exception? inner = null) : Exception(message, inner);
