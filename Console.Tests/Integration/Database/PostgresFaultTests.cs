using System.Data;
using System.Diagnostics;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Database;

/// <summary>A real PostgreSQL that is stopped, restarted, and whose sessions are killed.</summary>
public sealed class PostgresFaultTests : IAsyncLifetime
{
    private PostgresServer _server = null!;
    private ConsoleOptions _options = null!;
    private Db _db = null!;

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        _options = TestDatabase.OptionsFor("/nonexistent", _server.ConnectionString());
        _db = Db.For(_options);
        await new Migrator(_db, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(default);
        await using var connection = await _db.OpenAsync(default);
        await connection.ExecuteAsync("CREATE TABLE things (id INTEGER PRIMARY KEY, value INTEGER NOT NULL); INSERT INTO things VALUES (1, 0), (2, 0)");
    }

    public async Task DisposeAsync()
    {
        await _db.DisposeAsync();
        await _server.DisposeAsync();
    }

    private async Task<int> ReadAsync()
    {
        await using var connection = await _db.OpenAsync(default);
        return await connection.ExecuteScalarAsync<int>("SELECT value FROM things WHERE id = 1");
    }

    private Task<int> AddAsync() => _db.TransactionAsync(c => c.ExecuteAsync("UPDATE things SET value = value + 1 WHERE id = 1"), default);

    private Task WarmAsync(int connections) => Task.WhenAll(Enumerable.Range(0, connections).Select(async _ =>
    {
        await using var connection = await _db.OpenAsync(default);
        await connection.ExecuteAsync("SELECT pg_sleep(0.1)");
    }));

    private static async Task UntilAsync(Func<bool> condition, int seconds)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); !condition(); await Task.Delay(20)) (DateTime.UtcNow < until).ShouldBeTrue();
    }

    [Fact]
    public async Task Twenty_seconds_without_PostgreSQL_are_told_in_words_and_then_over()
    {
        using var health = new DatabaseHealth(_db, TimeProvider.System, NullLogger<DatabaseHealth>.Instance);
        var changes = new List<DatabaseState>();
        health.Changed += changes.Add;
        await health.StartAsync(default);
        using var bus = new EventBus(_options, TimeProvider.System, NullLogger<EventBus>.Instance);
        await bus.StartAsync(default);
        await UntilAsync(() => bus.State.Health is LiveHealth.Connected, 30);
        await AddAsync();

        await _server.StopAsync();
        var away = Stopwatch.StartNew();
        await UntilAsync(() => !health.State.Available, 30); // noticed although nobody asks
        await UntilAsync(() => bus.State.Health is LiveHealth.Degraded, 30);
        while (away.Elapsed < TimeSpan.FromSeconds(20))
        {
            var asked = Stopwatch.StartNew();
            var read = await Should.ThrowAsync<DatabaseUnavailableException>(ReadAsync());
            read.Problem.Kind.ShouldBe(ProblemKind.Unavailable);
            read.Reason.ShouldContain("PostgreSQL cannot be reached");
            await Should.ThrowAsync<DatabaseUnavailableException>(AddAsync());
            asked.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(15)); // told, not left waiting
            health.State.Reason.ShouldNotBeNull();
            await Task.Delay(500);
        }

        await _server.ResumeAsync();
        (await ReadAsync()).ShouldBe(1);
        await AddAsync();
        (await ReadAsync()).ShouldBe(2);
        await UntilAsync(() => health.State.Available, 30);
        await UntilAsync(() => bus.State.Health is LiveHealth.Connected, 30);
        changes.Select(c => c.Available).ShouldBe([false, true]);
        await health.StopAsync(default);
        await bus.StopAsync(default);
    }

    [Fact]
    public async Task After_a_restart_no_caller_meets_a_dead_pooled_connection()
    {
        await WarmAsync(10);
        await _server.StopAsync();
        await _server.ResumeAsync();
        await Task.Delay(1100);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ReadAsync()));
    }

    [Fact]
    public async Task A_transaction_whose_session_is_killed_runs_again_once()
    {
        var attempts = 0;
        await _db.TransactionAsync(async connection =>
        {
            await connection.ExecuteAsync("UPDATE things SET value = value + 1 WHERE id = 1");
            if (attempts++ == 0) await _server.ExecuteAsync($"SELECT pg_terminate_backend({await connection.ExecuteScalarAsync<int>("SELECT pg_backend_pid()")})");
            await connection.ExecuteAsync("UPDATE things SET value = value + 1 WHERE id = 1");
        }, default);
        attempts.ShouldBe(2);
        (await ReadAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task A_transaction_that_fell_asleep_loses_its_locks_to_the_others_and_runs_again()
    {
        await using var sleeper = Db.For(_options);
        var (holds, wake, attempts) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        var slept = sleeper.TransactionAsync(async connection =>
        {
            attempts++;
            await connection.ExecuteAsync("UPDATE things SET value = value + 100 WHERE id = 1");
            holds.TrySetResult();
            await wake.Task;
            await connection.ExecuteAsync("UPDATE things SET value = value + 100 WHERE id = 1");
        }, default);
        await holds.Task;

        await AddAsync(); // waits for the lock until the server ends the sleeper's session; else the command times out
        (await ReadAsync()).ShouldBe(1);

        wake.SetResult();
        await slept;
        attempts.ShouldBe(2); // its first run ended with its session
        (await ReadAsync()).ShouldBe(201);
    }

    [Fact]
    public async Task A_transaction_whose_session_is_killed_every_time_is_unavailable_and_leaves_nothing()
    {
        var error = await Should.ThrowAsync<DatabaseUnavailableException>(_db.TransactionAsync(async connection =>
        {
            await connection.ExecuteAsync("UPDATE things SET value = value + 1 WHERE id = 1");
            await _server.ExecuteAsync($"SELECT pg_terminate_backend({await connection.ExecuteScalarAsync<int>("SELECT pg_backend_pid()")})");
            await connection.ExecuteAsync("SELECT 1");
        }, default));
        error.Reason.ShouldContain("PostgreSQL");
        (await ReadAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Serialisation_failures_run_again_until_all_are_through()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => _db.TransactionAsync(async connection =>
        {
            var sum = await connection.ExecuteScalarAsync<int>("SELECT SUM(value) FROM things");
            await Task.Delay(20);
            await connection.ExecuteAsync("UPDATE things SET value = @sum + 1 WHERE id = 1", new { sum });
        }, default, IsolationLevel.Serializable))));
        (await ReadAsync()).ShouldBe(4);
    }

    [Fact]
    public async Task Deadlocked_transactions_both_come_through()
    {
        var met = new Barrier(2);
        var first = new bool[2];
        Task Cross(int one, int other, int who) => Task.Run(() => _db.TransactionAsync(async connection =>
        {
            await connection.ExecuteAsync("UPDATE things SET value = value + 1 WHERE id = @one", new { one });
            if (!first[who])
            {
                first[who] = true;
                met.SignalAndWait(TimeSpan.FromSeconds(30));
            }
            await connection.ExecuteAsync("UPDATE things SET value = value + 1 WHERE id = @other", new { other });
        }, default));
        await Task.WhenAll(Cross(1, 2, 0), Cross(2, 1, 1));
        (await ReadAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task Too_few_connections_are_told_as_such()
    {
        await using var narrow = Db.For(_options with { Database = _options.Database + ";Maximum Pool Size=1;Timeout=1" });
        await using var held = await narrow.OpenAsync(default);
        (await Should.ThrowAsync<DatabaseUnavailableException>(async () => await narrow.OpenAsync(default))).Reason.ShouldContain("Maximum Pool Size");
    }

    [Fact]
    public async Task What_the_setting_does_not_say_gets_our_defaults_and_what_it_says_stays()
    {
        await using var plain = Db.For(_options);
        await using var said = Db.For(_options with { Database = _options.Database + ";Maximum Pool Size=7;Options=-c idle_in_transaction_session_timeout=9s" });
        await using var connection = await plain.OpenAsync(default);
        await using var other = await said.OpenAsync(default);

        (await connection.ExecuteScalarAsync<string>("SHOW idle_in_transaction_session_timeout"), await connection.ExecuteScalarAsync<string>("SHOW application_name")).ShouldBe(("5s", "quarterdeck"));
        (await other.ExecuteScalarAsync<string>("SHOW idle_in_transaction_session_timeout")).ShouldBe("9s");
        var settings = new Npgsql.NpgsqlConnectionStringBuilder(plain.Source.ConnectionString);
        (settings.Timeout, settings.KeepAlive, settings.MaxPoolSize).ShouldBe((5, 15, 30));
        new Npgsql.NpgsqlConnectionStringBuilder(said.Source.ConnectionString).MaxPoolSize.ShouldBe(7);
    }

    [Theory]
    [InlineData("nonsense", "no PostgreSQL connection string")]
    [InlineData("Database=x", "'Host' is missing")]
    public void An_unfit_setting_is_refused_with_an_example(string setting, string why)
    {
        var error = Should.Throw<InvalidDataException>(() => Db.For(_options with { Database = setting }));
        error.Message.ShouldContain("QUARTERDECK_DATABASE");
        error.Message.ShouldContain(why);
        error.Message.ShouldContain("Host=db.example");
    }
}
