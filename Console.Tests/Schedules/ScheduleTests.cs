using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;
using Quarterdeck.Tests.Operations;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Schedules;

/// <summary>Schedules that start real operations, with a clock that the test moves.</summary>
public sealed class ScheduleTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly Caller Ann = new(CallerKind.User, Guid.NewGuid(), "ann", Role.Operator);

    private static JsonElement Input(object value) => JsonSerializer.SerializeToElement(value);

    private static NewSchedule Hourly(string name = "hourly") => new(name, "things.count", Input(new { thing = "t" }), "0 * * * *", "UTC");

    /// <summary>What is scheduled; it can be told to refuse.</summary>
    private sealed class Count : IScheduledAction
    {
        public Problem? Refusal { get; set; }
        public string Key => "things.count";
        public string Title => "Count things";
        public Permission Permission => TestHandler.Permission;

        public Task<Result<ScheduledTarget>> TargetAsync(Caller caller, JsonElement input, CancellationToken cancellation) => Task.FromResult(
            input.TryGetProperty("thing", out var thing) ? Result<ScheduledTarget>.From(new("thing:1", thing.GetString()!)) : Problem.Invalid("input.thing", "It is missing.", "Name a thing."));

        public Task<Result<NewOperation>> PrepareAsync(Caller caller, JsonElement input, CancellationToken cancellation) =>
            Task.FromResult(Refusal is { } refused ? refused : Result<NewOperation>.From(new NewOperation("count", "thing:1", "t", new { })));
    }

    /// <summary>A node with schedules; its clock is the test's.</summary>
    private sealed class Node : IAsyncDisposable
    {
        private readonly IHost _host;

        private Node(IHost host) => _host = host;

        public ScheduleBook Book => _host.Services.GetRequiredService<ScheduleBook>();
        public Count Action => (Count)_host.Services.GetRequiredService<IScheduledAction>();

        public static async Task<Node> StartAsync(TestDatabase database, HandTime time, string name = "one")
        {
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            builder.Services.AddSingleton(database.Options).AddDatabase();
            builder.Services.AddEvents();
            builder.Services.AddSingleton<AuditLog>().AddSingleton<Guard>();
            builder.Services.AddOperations(o => o.Node = name);
            builder.Services.AddSingleton<IOperationHandler>(new TestHandler("count", (_, _) => Task.FromResult<object?>(null)));
            builder.Services.AddSchedules();
            builder.Services.AddSingleton<IScheduledAction, Count>();
            builder.Services.AddSingleton<TimeProvider>(time);
            var node = new Node(builder.Build());
            await node._host.StartAsync();
            return node;
        }

        public async ValueTask DisposeAsync()
        {
            await _host.StopAsync();
            await ((IAsyncDisposable)_host).DisposeAsync();
        }
    }

    private static async Task<int> RunsAsync(TestDatabase database)
    {
        await using var connection = await database.Db.OpenAsync(default);
        return await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM operations WHERE kind = 'count'");
    }

    private static async Task<Schedule> UntilAsync(Node node, Guid id, Func<Schedule, bool> wanted)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); ; await Task.Delay(20))
        {
            var now = (await node.Book.GetAsync(Ann, id, default)).Value;
            if (wanted(now)) return now;
            if (DateTime.UtcNow > until) throw new TimeoutException($"{now}");
        }
    }

    [Theory, DatabaseData]
    public async Task It_runs_when_it_is_due_and_missed_runs_are_caught_up_by_one(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var time = new HandTime(Noon);
        Guid id;
        await using (var node = await Node.StartAsync(database, time))
        {
            var made = (await node.Book.AddAsync(Ann, Hourly(), default)).Value;
            id = made.Id;
            (made.NextRunAt, made.TargetName, made.CreatedBy).ShouldBe((Noon.AddHours(1), "t", "ann"));

            time.Forward(TimeSpan.FromHours(1));
            var ran = await UntilAsync(node, id, s => s.LastRunAt is not null);
            (ran.NextRunAt, ran.LastProblem, ran.LastOperationId is not null).ShouldBe((Noon.AddHours(2), null, true));
            (await RunsAsync(database)).ShouldBe(1);
        }

        time.Forward(TimeSpan.FromHours(5.5)); // nobody was there
        await using var heir = await Node.StartAsync(database, time);
        var after = await UntilAsync(heir, id, s => s.NextRunAt > Noon.AddHours(6));
        after.NextRunAt.ShouldBe(Noon.AddHours(7));
        (await RunsAsync(database)).ShouldBe(2);
    }

    [Fact]
    public async Task Of_two_nodes_one_starts_each_run()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var time = new HandTime(Noon);
        await using var one = await Node.StartAsync(database, time, "one");
        await using var two = await Node.StartAsync(database, time, "two");
        var ids = new List<Guid>();
        for (var i = 0; i < 5; i++) ids.Add((await one.Book.AddAsync(Ann, Hourly($"s{i}"), default)).Value.Id);
        for (var hour = 1; hour <= 4; hour++)
        {
            time.Forward(TimeSpan.FromHours(1));
            foreach (var id in ids) await UntilAsync(two, id, s => s.NextRunAt > Noon.AddHours(hour));
        }
        (await RunsAsync(database)).ShouldBe(20);
    }

    [Theory, DatabaseData]
    public async Task A_run_that_was_queued_by_a_node_that_died_before_it_said_so_is_not_queued_again(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var time = new HandTime(Noon);
        Guid id;
        await using (var node = await Node.StartAsync(database, time))
        {
            id = (await node.Book.AddAsync(Ann, Hourly(), default)).Value.Id;
            time.Forward(TimeSpan.FromHours(1));
            await UntilAsync(node, id, s => s.LastRunAt is not null);
        }
        // As the dead node would have left it: queued and claimed, the next run not waited for.
        await using (var connection = await database.Db.OpenAsync(default))
            await connection.ExecuteAsync("UPDATE schedules SET next_run_at = @due, claimed_until = @until, last_run_at = NULL", new { due = Noon.AddHours(1), until = Noon.AddHours(1).AddMinutes(1) });

        await using var heir = await Node.StartAsync(database, time);
        await Task.Delay(300);
        (await heir.Book.GetAsync(Ann, id, default)).Value.LastRunAt.ShouldBeNull(); // the claim still holds
        time.Forward(TimeSpan.FromMinutes(2));
        (await UntilAsync(heir, id, s => s.LastRunAt is not null)).NextRunAt.ShouldBe(Noon.AddHours(2));
        (await RunsAsync(database)).ShouldBe(1);
    }

    [Fact]
    public async Task A_run_that_is_refused_says_why_and_the_next_one_comes_all_the_same()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        var time = new HandTime(Noon);
        await using var node = await Node.StartAsync(database, time);
        var id = (await node.Book.AddAsync(Ann, Hourly(), default)).Value.Id;
        node.Action.Refusal = Problem.Conflict("No", "The thing is gone.");
        time.Forward(TimeSpan.FromHours(1));
        var refused = await UntilAsync(node, id, s => s.LastRunAt is not null);
        (refused.LastProblem, refused.LastOperationId, refused.NextRunAt).ShouldBe(("The thing is gone.", null, Noon.AddHours(2)));

        node.Action.Refusal = null;
        var byHand = (await node.Book.RunAsync(Ann, id, default)).Value;
        var now = (await node.Book.GetAsync(Ann, id, default)).Value;
        (now.LastOperationId, now.NextRunAt, now.LastProblem).ShouldBe((byHand, Noon.AddHours(2), null));
    }

    [Theory, DatabaseData]
    public async Task Schedules_are_listed_changed_disabled_and_deleted_and_owned_ones_only_by_their_owner(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var node = await Node.StartAsync(database, new HandTime(Noon));
        var book = node.Book;
        var id = (await book.AddAsync(Ann, Hourly("Nightly"), default)).Value.Id;
        await SetOwnedAsync(Hourly("of the job"));

        (await book.ListAsync(Ann, new PageQuery(Search: "night", Sort: "-nextRunAt"), default)).Value.Items.ShouldHaveSingleItem().Id.ShouldBe(id);
        var changed = (await book.ReplaceAsync(Ann, id, Hourly("Nightly") with { Cron = "30 3 * * *", Blackouts = [new([DayOfWeek.Tuesday], new(3, 0), new(5, 0))] }, default)).Value;
        changed.NextRunAt.ShouldBe(new DateTimeOffset(2026, 11, 24, 5, 0, 0, TimeSpan.Zero));
        (await book.UpcomingAsync(Ann, Noon.AddHours(3), default)).Value.Select(r => r.Name).ShouldBe(["of the job", "of the job", "of the job"]);
        (await book.ReplaceAsync(Ann, id, Hourly() with { Enabled = false }, default)).Value.NextRunAt.ShouldBeNull();

        var owned = (await book.OfAsync("job:1", default))!;
        (await book.DeleteAsync(Ann, owned.Id, default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await book.ReplaceAsync(Ann, owned.Id, Hourly(), default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        await SetOwnedAsync(null);
        (await book.DeleteAsync(Ann, id, default)).Ok.ShouldBeTrue();
        (await book.ListAsync(Ann, new PageQuery(), default)).Value.Total.ShouldBe(0);

        async Task SetOwnedAsync(NewSchedule? schedule)
        {
            var owned = (await book.PrepareOwnedAsync(Ann, "job:1", schedule, default)).Value;
            await database.Db.TransactionAsync(owned.WriteAsync, default);
            owned.Tell();
        }
    }

    [Fact]
    public async Task Wrong_fields_are_named_together_and_who_may_not_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        await using var node = await Node.StartAsync(database, new HandTime(Noon));
        var wrong = (await node.Book.AddAsync(Ann, new NewSchedule(" ", "nothing", default, "x", "y", [new([], new(1, 0), new(2, 0))]), default)).Problem!;
        wrong.Errors.Select(e => e.Field).ShouldBe(["name", "cron", "blackouts[0].days", "action"]);
        (await node.Book.AddAsync(Ann, Hourly() with { Input = Input(new { }) }, default)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("input.thing");
        (await node.Book.AddAsync(Ann, Hourly() with { Cron = "0 0 30 2 *" }, default)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("cron");
        (await node.Book.UpcomingAsync(Ann, Noon.AddYears(3), default)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("until");
        (await node.Book.AddAsync(Ann with { Role = Role.Viewer }, Hourly(), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Book.AddAsync(Ann with { Scopes = new HashSet<string> { "schedules.manage" } }, Hourly(), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }
}
