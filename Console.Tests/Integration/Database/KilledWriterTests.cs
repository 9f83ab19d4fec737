using System.Diagnostics;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Database;

/// <summary>kill -9 between and within transactions.</summary>
public sealed class KilledWriterTests
{
    [Theory, DatabaseData]
    public async Task What_a_killed_process_was_told_is_committed_is_there_and_nothing_is_half(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using (var connection = await database.Db.OpenAsync(default))
            await connection.ExecuteAsync("CREATE TABLE pairs (number INTEGER NOT NULL, half INTEGER NOT NULL, PRIMARY KEY (number, half))");
        var told = 0;
        for (var round = 0; round < 3; round++)
        {
            using var writer = Process.Start(new ProcessStartInfo("dotnet", [typeof(KilledWriterTests).Assembly.Location, "write-pairs", database.Options.DataFolder, database.Options.Database ?? "-"]) { RedirectStandardOutput = true })!;
            for (var lines = 0; lines < 50 + round * 7; lines++) told = int.Parse((await writer.StandardOutput.ReadLineAsync())!);
            writer.Kill();
            while (await writer.StandardOutput.ReadLineAsync() is { } line && int.TryParse(line, out var more)) told = more; // said before it was killed
            await writer.WaitForExitAsync();

            await using var connection = await database.Db.OpenAsync(default);
            var numbers = (await connection.QueryAsync<int>("SELECT number FROM pairs GROUP BY number HAVING COUNT(*) = 2 ORDER BY number")).ToArray();
            (await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM pairs")).ShouldBe(numbers.Length * 2);
            numbers.ShouldBe(Enumerable.Range(1, numbers.Length));
            numbers.Length.ShouldBeInRange(told, told + 1); // the last commit may not have been told any more
        }
    }

    /// <summary>What the process does that is killed: writes pairs for ever, and tells each number once both halves are committed.</summary>
    public static async Task<int> WriteAsync(string folder, string connection)
    {
        await using var db = Db.For(TestDatabase.OptionsFor(folder, connection == "-" ? null : connection));
        while (true)
        {
            var number = await db.TransactionAsync(async c =>
            {
                var next = await c.ExecuteScalarAsync<int>("SELECT COALESCE(MAX(number), 0) + 1 FROM pairs");
                foreach (var half in (int[])[1, 2]) await c.ExecuteAsync("INSERT INTO pairs (number, half) VALUES (@next, @half)", new { next, half });
                return next;
            }, default);
            System.Console.WriteLine(number);
        }
    }
}
