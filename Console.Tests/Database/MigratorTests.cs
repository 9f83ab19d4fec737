using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Database;

public sealed class MigratorTests
{
    private static readonly Migration First = new(1, "room-first", "CREATE TABLE first (id {identity}, bytes {blob}); INSERT INTO first (bytes) VALUES (NULL);");
    private static readonly Migration Second = new(2, "room-second", "CREATE TABLE second (id TEXT PRIMARY KEY);");

    private static Task MigrateAsync(Db db, params Migration[] migrations) =>
        new Migrator(db, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(migrations, default);

    private static async Task<int[]> JournalAsync(Db db)
    {
        await using var connection = await db.OpenAsync(default);
        return [.. await connection.QueryAsync<int>("SELECT number FROM migrations ORDER BY number")];
    }

    [Theory, DatabaseData]
    public async Task Scripts_run_once_in_order_and_later_ones_are_added(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine, migrated: false);
        await MigrateAsync(database.Db, First);
        await MigrateAsync(database.Db, First, Second);
        await MigrateAsync(database.Db, First, Second);
        (await JournalAsync(database.Db)).ShouldBe([1, 2]);
        await using var connection = await database.Db.OpenAsync(default);
        (await connection.QueryAsync<long>("SELECT id FROM first")).ShouldBe([1]);
    }

    [Theory, DatabaseData]
    public async Task A_changed_script_is_a_clear_error(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine, migrated: false);
        await MigrateAsync(database.Db, First);
        var error = await Should.ThrowAsync<MigrationException>(MigrateAsync(database.Db, First with { Text = First.Text + " -- better" }));
        error.Message.ShouldContain("0001-room-first");
        await MigrateAsync(database.Db, First with { Text = First.Text.ReplaceLineEndings("\r\n") });
    }

    [Theory, DatabaseData]
    public async Task A_database_of_a_newer_console_is_refused_untouched(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine, migrated: false);
        await MigrateAsync(database.Db, First, Second);
        var error = await Should.ThrowAsync<MigrationException>(MigrateAsync(database.Db, First, new Migration(3, "room-third", "CREATE TABLE third (id TEXT)")));
        error.Message.ShouldContain("newer");
        error.Message.ShouldContain("0002-room-second");
        (await JournalAsync(database.Db)).ShouldBe([1, 2]);
    }

    [Theory, DatabaseData]
    public async Task A_script_that_fails_half_way_leaves_nothing_of_itself(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine, migrated: false);
        var broken = new Migration(2, "room-broken", "CREATE TABLE second (id TEXT PRIMARY KEY); INSERT INTO nowhere VALUES (1);");
        var error = await Should.ThrowAsync<MigrationException>(MigrateAsync(database.Db, First, broken));
        error.Message.ShouldContain("0002-room-broken");
        (await JournalAsync(database.Db)).ShouldBe([1]);
        await MigrateAsync(database.Db, First, Second);
        (await JournalAsync(database.Db)).ShouldBe([1, 2]);
    }

    [Theory, DatabaseData]
    public async Task Four_nodes_that_start_at_once_apply_each_script_once(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine, migrated: false);
        Migration[] many = [First, .. Enumerable.Range(2, 8).Select(i => new Migration(i, "room-more", $"CREATE TABLE t{i} (id TEXT); INSERT INTO first (bytes) VALUES (NULL);"))];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            await using var db = Db.For(database.Options);
            await MigrateAsync(db, many);
        })));
        (await JournalAsync(database.Db)).ShouldBe(Enumerable.Range(1, 9).ToArray());
        await using var connection = await database.Db.OpenAsync(default);
        (await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM first")).ShouldBe(9);
    }

    [Fact]
    public void Every_script_in_the_program_has_its_own_number_and_only_known_tokens()
    {
        Migrator.Embedded.ShouldNotBeEmpty();
        Migrator.Embedded.Select(m => m.Number).ShouldBeUnique();
        foreach (var migration in Migrator.Embedded)
            migration.Text.Replace("{blob}", "").Replace("{identity}", "").ShouldNotMatch(@"\{\w+\}", migration.Name);
    }
}
