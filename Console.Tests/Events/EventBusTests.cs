using System.Collections.Concurrent;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Events.Nodes;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Events;

/// <summary>Two nodes on one PostgreSQL: each with its own bus and stream, one table as the source.</summary>
public sealed class EventBusTests : IAsyncLifetime
{
    private readonly List<EventBus> _buses = [];
    private TestDatabase _database = null!;
    private Db Db => _database.Db;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        await using var connection = await Db.OpenAsync(default);
        await connection.ExecuteAsync("CREATE TABLE things (key TEXT PRIMARY KEY, value INTEGER NOT NULL)");
    }

    public async Task DisposeAsync()
    {
        foreach (var bus in _buses) await bus.StopAsync(default);
        await _database.DisposeAsync();
    }

    private async Task<EventStream<Item>> NodeAsync()
    {
        var bus = new EventBus(_database.Options, TimeProvider.System, NullLogger<EventBus>.Instance);
        _buses.Add(bus);
        var stream = new EventStream<Item>("things", i => i.Key, async (keys, _) => await ReadAsync("WHERE key IN @keys", new { keys }), bus);
        bus.State.Health.ShouldBe(LiveHealth.Degraded);
        await bus.StartAsync(default);
        await BecomesAsync(bus, LiveHealth.Connected);
        return stream;
    }

    private static async Task BecomesAsync(EventBus bus, LiveHealth health)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); bus.State.Health != health; await Task.Delay(10)) (DateTime.UtcNow < until).ShouldBeTrue(bus.State.ToString());
    }

    private const string Connections = "FROM pg_stat_activity WHERE application_name = 'quarterdeck-events' AND datname = current_database()";

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); !await condition(); await Task.Delay(10)) (DateTime.UtcNow < until).ShouldBeTrue(what);
    }

    private async Task<IReadOnlyList<Item>> ReadAsync(string where = "", object? parameters = null)
    {
        await using var connection = await Db.OpenAsync(default);
        return [.. await connection.QueryAsync<Item>($"SELECT key, value FROM things {where}", parameters)];
    }

    private async Task<Dictionary<string, int>> SourceAsync() => (await ReadAsync()).ToDictionary(i => i.Key, i => i.Value);

    private async Task SetAsync(EventStream<Item> stream, string key, int value)
    {
        await using var connection = await Db.OpenAsync(default);
        await connection.ExecuteAsync("INSERT INTO things (key, value) VALUES (@key, @value) ON CONFLICT (key) DO UPDATE SET value = @value", new { key, value });
        stream.Publish(new Item(key, value));
    }

    private async Task DeleteAsync(EventStream<Item> stream, string key)
    {
        await using var connection = await Db.OpenAsync(default);
        await connection.ExecuteAsync("DELETE FROM things WHERE key = @key", new { key });
        stream.Remove(key);
    }

    private View Watch(EventStream<Item> stream) => new(stream, () => ReadAsync());

    [Fact]
    public async Task A_change_on_one_node_is_seen_on_the_other()
    {
        var (here, there) = (await NodeAsync(), await NodeAsync());
        await using var view = Watch(there);
        while (view.Batches == 0) await Task.Delay(1);
        await SetAsync(here, "a", 1);
        await view.ShouldBecomeAsync(await SourceAsync());
        await SetAsync(here, "b", 2);
        await DeleteAsync(here, "a");
        await view.ShouldBecomeAsync(await SourceAsync());
        view.Snapshots.ShouldBe(1);
    }

    [Fact]
    public async Task Thousands_of_changes_go_over_in_notices_that_PostgreSQL_takes()
    {
        var (here, there) = (await NodeAsync(), await NodeAsync());
        await using var view = Watch(there);
        while (view.Batches == 0) await Task.Delay(1);
        await Db.TransactionAsync(c => c.ExecuteAsync("INSERT INTO things SELECT 'key-that-is-as-long-as-a-uuid-' || i, i FROM generate_series(1, 1500) i"), default);
        here.Publish(await ReadAsync());
        await view.ShouldBecomeAsync(await SourceAsync());
        view.Snapshots.ShouldBe(1);
    }

    [Fact]
    public async Task Both_nodes_converge_when_both_write_the_same_keys_at_once()
    {
        var (here, there) = (await NodeAsync(), await NodeAsync());
        await using var left = Watch(here);
        await using var right = Watch(there);
        await Task.WhenAll(((EventStream<Item>[])[here, there]).Select((stream, node) => Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++)
                if (i % 17 == 16) await DeleteAsync(stream, "k" + i % 5);
                else await SetAsync(stream, "k" + i % 5, node * 1000 + i);
        })));
        var source = await SourceAsync();
        await left.ShouldBecomeAsync(source);
        await right.ShouldBecomeAsync(source);
    }

    [Fact]
    public async Task A_killed_connection_is_told_reconnected_and_what_was_missed_is_read_again()
    {
        var (here, there) = (await NodeAsync(), await NodeAsync());
        await using var view = Watch(there);
        while (view.Batches == 0) await Task.Delay(1);
        var states = new ConcurrentQueue<LiveState>();
        there.Bus.StateChanged += states.Enqueue;

        // A change that nobody is told of stands for one whose notice was lost with the connection.
        await using var connection = await Db.OpenAsync(default);
        await connection.ExecuteAsync("INSERT INTO things VALUES ('missed', 1)");
        await UntilAsync(async () => await connection.ExecuteScalarAsync<long>($"SELECT COUNT(*) {Connections}") == 4, "each node listens on one connection and tells on another");
        await connection.ExecuteAsync($"SELECT COUNT(pg_terminate_backend(pid)) {Connections}");

        await view.ShouldBecomeAsync(await SourceAsync());
        view.Snapshots.ShouldBe(2);
        await UntilAsync(() => Task.FromResult(states.LastOrDefault()?.Health is LiveHealth.Connected), "it is told that changes arrive again"); // a moment after they do
        states.Select(s => s.Health).ShouldBe([LiveHealth.Degraded, LiveHealth.Connected]);
        states.First().Reason!.ShouldContain("PostgreSQL ended the connection");
        await SetAsync(here, "after", 2); // the telling connection came back as well
        await view.ShouldBecomeAsync(await SourceAsync());
    }

    [Fact]
    public async Task A_node_that_vanishes_without_goodbye_makes_the_others_read_again()
    {
        var here = await NodeAsync();
        await using var view = Watch(here);
        while (view.Batches == 0) await Task.Delay(1);
        await using (var connection = await Db.OpenAsync(default))
        {
            // A node gives a sign of life, commits a change, and is killed before it tells.
            await connection.ExecuteAsync("SELECT pg_notify('quarterdeck_events', '{\"node\":\"ghost\"}')");
            await connection.ExecuteAsync("INSERT INTO things VALUES ('untold', 1)");
        }
        await view.ShouldBecomeAsync(await SourceAsync(), seconds: 120);
        view.Snapshots.ShouldBe(2);
    }

    [Fact]
    public async Task A_follower_that_throws_does_not_end_live_updates()
    {
        var (here, there) = (await NodeAsync(), await NodeAsync());
        there.Bus.StateChanged += _ => throw new InvalidOperationException("a page's own error");
        await using var view = Watch(there);
        await using (var connection = await Db.OpenAsync(default))
            await connection.ExecuteAsync($"SELECT COUNT(pg_terminate_backend(pid)) {Connections}");
        await SetAsync(here, "after", 1);
        await view.ShouldBecomeAsync(await SourceAsync());
        await BecomesAsync(there.Bus, LiveHealth.Connected);
    }

    [Fact]
    public void Notices_hold_every_key_once_and_stay_below_the_limit()
    {
        string[] keys = [.. Enumerable.Range(0, 3000).Select(i => $"ключ \"{i}\" \\ {new string('x', i % 50)}")];
        var payloads = Notice.Of("node", "things", keys).ToArray();
        payloads.ShouldAllBe(p => System.Text.Encoding.UTF8.GetByteCount(p) < 8000);
        payloads.SelectMany(p => Notice.Read(p)!.Keys!).ShouldBe(keys);
        Notice.Read(Notice.Of("node", "things", [new string('x', 8000)]).Single())!.Keys.ShouldBeNull();
        Notice.Read("not ours").ShouldBeNull();
    }
}
