using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Database;

public sealed class DbTests
{
    private enum Mood { Calm, Stormy }

    private sealed record Row(Guid Id, string Name, int Count, bool IsGood, Mood Mood, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt, Guid? ParentId, int? Size, byte[]? Bytes);

    private const string Table = "CREATE TABLE rows (id TEXT PRIMARY KEY, name TEXT NOT NULL, count INTEGER NOT NULL, is_good BOOLEAN NOT NULL, mood TEXT NOT NULL, created_at BIGINT NOT NULL, ended_at BIGINT, parent_id TEXT, size INTEGER, bytes {blob})";

    private static async Task<TestDatabase> CreateAsync(DatabaseEngine engine)
    {
        var database = await TestDatabase.CreateAsync(engine);
        await using var connection = await database.Db.OpenAsync(default);
        await connection.ExecuteAsync(Table.Replace("{blob}", database.Db.Dialect.Blob));
        return database;
    }

    private static Task<int> InsertAsync(System.Data.Common.DbConnection connection, Row row) => connection.ExecuteAsync("""
        INSERT INTO rows (id, name, count, is_good, mood, created_at, ended_at, parent_id, size, bytes)
        VALUES (@Id, @Name, @Count, @IsGood, @mood, @CreatedAt, @EndedAt, @ParentId, @Size, @Bytes)
        """, new { row.Id, row.Name, row.Count, row.IsGood, mood = row.Mood.ToColumn(), row.CreatedAt, row.EndedAt, row.ParentId, row.Size, row.Bytes });

    private static Row New(string name = "a", DateTimeOffset? ended = null, Guid? parent = null, int? size = null, byte[]? bytes = null) =>
        new(Guid.CreateVersion7(), name, 7, true, Mood.Stormy, DateTimeOffset.UtcNow.Stored(), ended, parent, size, bytes);

    [Theory, DatabaseData]
    public async Task A_row_comes_back_as_it_was_written(DatabaseEngine engine)
    {
        await using var database = await CreateAsync(engine);
        await using var connection = await database.Db.OpenAsync(default);
        Row[] rows = [New("nulls"), New("full", DateTimeOffset.UnixEpoch.AddTicks(-12340), Guid.NewGuid(), 3, [1, 2])];
        foreach (var row in rows) await InsertAsync(connection, row);

        foreach (var row in rows)
        {
            var read = await connection.QuerySingleAsync<Row>("SELECT * FROM rows WHERE id = @Id", new { row.Id });
            (read with { Bytes = null }).ShouldBe(row with { Bytes = null });
            read.Bytes.ShouldBe(row.Bytes);
            (await connection.ExecuteScalarAsync<string>("SELECT id FROM rows WHERE name = @Name", new { row.Name })).ShouldBe(row.Id.ToString("D"));
        }
        (await connection.QueryAsync<Row>("SELECT * FROM rows ORDER BY name DESC")).Select(r => r.Size).ShouldBe([null, 3]);
        (await connection.QueryAsync<Row>("SELECT * FROM rows WHERE id IN @ids", new { ids = rows.Select(r => r.Id) })).Count().ShouldBe(2);
        (await connection.QueryAsync<Row>("SELECT * FROM rows WHERE id IN @ids", new { ids = Array.Empty<Guid>() })).ShouldBeEmpty();
        (await connection.QueryAsync<Row>("SELECT * FROM rows WHERE created_at IN @times", new { times = rows.Select(r => r.CreatedAt) })).Count().ShouldBe(2);
        (await connection.QuerySingleAsync<Guid>("SELECT id FROM rows WHERE name = 'full'")).ShouldBe(rows[1].Id);
        (await connection.QuerySingleAsync<DateTimeOffset>("SELECT created_at FROM rows WHERE name = 'full'")).ShouldBe(rows[1].CreatedAt);
    }

    [Theory, DatabaseData]
    public async Task A_transaction_that_throws_leaves_nothing(DatabaseEngine engine)
    {
        await using var database = await CreateAsync(engine);
        await Should.ThrowAsync<InvalidDataException>(database.Db.TransactionAsync(async connection =>
        {
            await InsertAsync(connection, New());
            throw new InvalidDataException();
        }, default));
        await using var reader = await database.Db.OpenAsync(default);
        (await reader.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM rows")).ShouldBe(0);
    }

    [Theory, DatabaseData]
    public async Task Fifty_writers_at_once_all_get_their_turn(DatabaseEngine engine)
    {
        await using var database = await CreateAsync(engine);
        var row = New();
        await database.Db.TransactionAsync(connection => InsertAsync(connection, row), default);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => database.Db.TransactionAsync(async connection =>
        {
            var count = await connection.ExecuteScalarAsync<int>("SELECT count FROM rows WHERE id = @Id " + database.Db.Dialect.ForUpdate, new { row.Id });
            await Task.Yield();
            await connection.ExecuteAsync("UPDATE rows SET count = @count WHERE id = @Id", new { row.Id, count = count + 1 });
        }, default))));
        await using var reader = await database.Db.OpenAsync(default);
        (await reader.ExecuteScalarAsync<int>("SELECT count FROM rows")).ShouldBe(57);
    }

    [Theory, DatabaseData]
    public async Task A_second_row_with_the_same_key_is_told_apart_from_other_errors(DatabaseEngine engine)
    {
        await using var database = await CreateAsync(engine);
        await using var connection = await database.Db.OpenAsync(default);
        var row = New();
        await InsertAsync(connection, row);
        Dialect.IsUniqueViolation(await Should.ThrowAsync<System.Data.Common.DbException>(InsertAsync(connection, row))).ShouldBeTrue();
        Dialect.IsUniqueViolation(await Should.ThrowAsync<System.Data.Common.DbException>(connection.ExecuteAsync("SELECT nothing FROM rows"))).ShouldBeFalse();
    }

    [Theory, DatabaseData]
    public async Task A_search_takes_wildcards_literally_and_ignores_case(DatabaseEngine engine)
    {
        await using var database = await CreateAsync(engine);
        await using var connection = await database.Db.OpenAsync(default);
        foreach (var name in (string[])["100% Wool", "100 wool", @"back\slash", "a_b", "axb"]) await InsertAsync(connection, New(name));
        async Task<string[]> Find(string text) => [.. await connection.QueryAsync<string>(
            $"SELECT name FROM rows WHERE {database.Db.Dialect.Like("name", "text")} ORDER BY name", new { text = Dialect.Contains(text) })];
        (await Find("0% w")).ShouldBe(["100% Wool"]);
        (await Find("A_B")).ShouldBe(["a_b"]);
        (await Find(@"\")).ShouldBe([@"back\slash"]);
    }

    [Theory, DatabaseData]
    public async Task A_transaction_inside_a_transaction_is_refused_rather_than_left_to_wait_for_itself(DatabaseEngine engine)
    {
        await using var database = await CreateAsync(engine);
        await Should.ThrowAsync<InvalidOperationException>(database.Db.TransactionAsync(_ => database.Db.TransactionAsync(_ => Task.CompletedTask, default), default));
    }
}
