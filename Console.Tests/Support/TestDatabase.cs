using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Tests.Support;

/// <summary>A fresh, migrated database of a test's own, copied from a template; gone when disposed.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private const string Template = "quarterdeck_template";
    private static readonly Lazy<Task<byte[]>> SqliteTemplate = new(MakeSqliteTemplateAsync);
    private static readonly Lazy<Task> PostgresTemplate = new(MakePostgresTemplateAsync);

    private TestDatabase(ConsoleOptions options) => (Options, Db) = (options, Db.For(options));

    /// <summary>The database.</summary>
    public Db Db { get; }

    /// <summary>Settings that name it, with a data folder of its own; hand them to a whole console, or to a second node.</summary>
    public ConsoleOptions Options { get; }

    /// <summary>Makes one on <paramref name="engine"/>; without tables when not <paramref name="migrated"/>.</summary>
    public static async Task<TestDatabase> CreateAsync(DatabaseEngine engine, bool migrated = true)
    {
        var folder = Directory.CreateTempSubdirectory("qd-test-").FullName;
        string? connection = null;
        if (engine is DatabaseEngine.Sqlite)
        {
            if (migrated) await File.WriteAllBytesAsync(Path.Combine(folder, "quarterdeck.db"), await SqliteTemplate.Value);
        }
        else
        {
            if (migrated) await PostgresTemplate.Value;
            var server = await PostgresServer.SharedAsync();
            var name = "t" + Guid.NewGuid().ToString("N");
            await server.ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {(migrated ? Template : "template0")}");
            connection = server.ConnectionString(name);
        }
        return new TestDatabase(OptionsFor(folder, connection));
    }

    /// <summary>Settings over a data folder, and a PostgreSQL connection string or null for SQLite.</summary>
    public static ConsoleOptions OptionsFor(string folder, string? connection) =>
        new() { DataFolder = folder, Database = connection, ImageRoots = [Path.Combine(folder, "images")] };

    /// <summary>Closes it and removes its folder. A PostgreSQL database goes with the cluster.</summary>
    public async ValueTask DisposeAsync()
    {
        await Db.DisposeAsync();
        Directory.Delete(Options.DataFolder, recursive: true);
    }

    private static async Task<byte[]> MakeSqliteTemplateAsync()
    {
        var folder = Directory.CreateTempSubdirectory("qd-test-template-").FullName;
        await using (var db = Db.For(OptionsFor(folder, null)))
        {
            await MigrateAsync(db);
            await using var connection = await db.OpenAsync(CancellationToken.None);
            await using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)"; // the copy takes the main file only
            await command.ExecuteNonQueryAsync();
        }
        var template = await File.ReadAllBytesAsync(Path.Combine(folder, "quarterdeck.db"));
        Directory.Delete(folder, recursive: true);
        return template;
    }

    private static async Task MakePostgresTemplateAsync()
    {
        var server = await PostgresServer.SharedAsync();
        await server.ExecuteAsync($"CREATE DATABASE {Template}");
        // No pool: a database with open connections cannot be a template.
        await using var db = Db.For(OptionsFor("/nonexistent", server.ConnectionString(Template) + ";Pooling=false"));
        await MigrateAsync(db);
    }

    private static Task MigrateAsync(Db db) => new Migrator(db, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
}
