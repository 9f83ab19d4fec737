using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

/// <summary>The database goes away while operations run.</summary>
public sealed class OutageTests
{
    [Fact]
    public async Task Twenty_seconds_without_PostgreSQL_lose_nothing()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE DATABASE outage");
        var folder = Directory.CreateTempSubdirectory("qd-outage-").FullName;
        var options = TestDatabase.OptionsFor(folder, server.ConnectionString("outage"));
        var runs = new int[6];
        await using (var node = await TestNode.StartAsync(options, "one", [new TestHandler("steps", async (operation, cancellation) =>
        {
            for (var i = 0; i < runs.Length; i++)
                await operation.StepAsync($"{i}", $"Step {i}", async token =>
                {
                    await Task.Delay(400, token);
                    Interlocked.Increment(ref runs[i]);
                    operation.Log($"step {i}");
                });
            return null;
        })], o => (o.DeadAfter, o.DatabasePatience) = (TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1))))
        {
            var id = await node.EnqueueAsync("steps");
            await node.UntilAsync(id, o => o.Steps.Any(s => s.State is StepState.Done));
            await server.StopAsync();
            await Task.Delay(TimeSpan.FromSeconds(20));
            await server.ResumeAsync();

            var ended = await EndAsync(node, id);

            (ended.State, ended.Attempt).ShouldBe((OperationState.Succeeded, 1));
            runs.ShouldAllBe(r => r == 1);
            (await node.Reader.LogAsync(TestNode.Operator, id, 0, 100, CancellationToken.None)).Value.Count.ShouldBe(runs.Length);
            (await node.EndAsync(await node.EnqueueAsync("steps"))).State.ShouldBe(OperationState.Succeeded);
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_locked_SQLite_file_is_waited_for()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        var gates = new Gates();
        await using var node = await TestNode.StartAsync(database.Options, "one", [new TestHandler("steps", async (operation, cancellation) =>
        {
            await gates.EnterAsync("begin", cancellation);
            await operation.StepAsync("one", "One", _ => Task.CompletedTask);
            return null;
        })]);
        var id = await node.EnqueueAsync("steps");
        await gates.EnteredAsync("begin");
        // Another program, such as a backup tool, holds the file for longer than SQLite itself waits.
        await using (var other = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(database.Options.DataFolder, "quarterdeck.db")};Pooling=false"))
        {
            await other.OpenAsync();
            await using var transaction = other.BeginTransaction();
            gates.Open("begin");
            await Task.Delay(Db.BusyTimeout + TimeSpan.FromSeconds(2));
        }

        var ended = await node.EndAsync(id);

        (ended.State, ended.Attempt).ShouldBe((OperationState.Succeeded, 1));
    }

    private static async Task<OperationInfo> EndAsync(TestNode node, Guid id)
    {
        for (var until = DateTime.UtcNow.AddSeconds(30); ; await Task.Delay(200))
        {
            try { return await node.EndAsync(id, 30); }
            catch (DatabaseUnavailableException) when (DateTime.UtcNow < until) { } // the first use after a restart
        }
    }
}
