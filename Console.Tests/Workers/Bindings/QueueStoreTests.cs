using System.Text;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Bindings.Queues;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>Messages in the database, on both engines: who has one has it alone, and none is lost.</summary>
public sealed class QueueStoreTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly QueueConsumer Usual = new("jobs", MaxBatchSize: 10, MaxBatchTimeoutSeconds: 0, MaxRetries: 2);

    private static async Task<(TestDatabase, MessageStore, QueueStore, HandTime)> OpenAsync(DatabaseEngine engine)
    {
        var database = await TestDatabase.CreateAsync(engine);
        var time = new HandTime(Noon);
        var queues = new QueueStore(database.Db, time);
        await queues.PutAsync("jobs", new QueueSettings(), _ => Task.CompletedTask, None);
        return (database, new MessageStore(database.Db, time), queues, time);
    }

    private static NewMessage Json(string body, int? delay = null) => new(QueueContent.Json, Encoding.UTF8.GetBytes(body), delay);

    private static Task<bool> SendAsync(MessageStore store, params string[] bodies) => store.SendAsync("jobs", [.. bodies.Select(b => Json(b))], None);

    private static string[] Bodies(MessageBatch? batch) => [.. batch.ShouldNotBeNull().Messages.Select(m => Encoding.UTF8.GetString(m.Body))];

    [Theory, DatabaseData]
    public async Task Eight_who_take_at_once_share_a_hundred_messages_without_sharing_one(DatabaseEngine engine)
    {
        var (database, store, _, _) = await OpenAsync(engine);
        await using var end = database;
        await store.SendAsync("jobs", [.. Enumerable.Range(0, 100).Select(i => Json($"{i}"))], None);
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var mine = new List<string>();
            while (await store.TakeAsync(Usual with { MaxBatchSize = 7, MaxConcurrency = 250 }, None) is { } batch) mine.AddRange(Bodies(batch));
            return mine;
        })));
        taken.SelectMany(t => t).Select(int.Parse).Order().ShouldBe(Enumerable.Range(0, 100));
    }

    [Theory, DatabaseData]
    public async Task A_batch_waits_until_it_is_full_or_its_time_is_over_and_keeps_the_order(DatabaseEngine engine)
    {
        var (database, store, _, time) = await OpenAsync(engine);
        await using var end = database;
        var consumer = Usual with { MaxBatchSize = 3, MaxBatchTimeoutSeconds = 5 };
        await SendAsync(store, "1", "2");
        (await store.TakeAsync(consumer, None)).ShouldBeNull("it may still fill");
        time.Forward(TimeSpan.FromSeconds(1));
        await SendAsync(store, "3", "4");
        Bodies(await store.TakeAsync(consumer, None)).ShouldBe(["1", "2", "3"]);
        (await store.TakeAsync(consumer, None)).ShouldBeNull();
        time.Forward(TimeSpan.FromSeconds(6));
        Bodies(await store.TakeAsync(consumer, None)).ShouldBe(["4"]);
        // Bytes bound a batch, too; a single message always fits.
        await store.SendAsync("jobs", [.. Enumerable.Range(0, 3).Select(i => new NewMessage(QueueContent.Text, new byte[120_000], null))], None);
        (await store.TakeAsync(consumer, None)).ShouldNotBeNull().Messages.Count.ShouldBe(2);
    }

    [Theory, DatabaseData]
    public async Task A_message_that_is_delayed_or_paused_is_not_handed_out_and_what_is_sent_to_nowhere_is_refused(DatabaseEngine engine)
    {
        var (database, store, queues, time) = await OpenAsync(engine);
        await using var end = database;
        await store.SendAsync("jobs", [Json("1", delay: 60)], None);
        (await store.TakeAsync(Usual, None)).ShouldBeNull();
        (await store.TurnsAsync(["jobs", "none"], None)).ShouldBe([new QueueTurn("jobs", Noon.AddMinutes(1))]);
        (await queues.FindAsync("jobs", None)).ShouldNotBeNull().Delayed.ShouldBe(1);
        time.Forward(TimeSpan.FromMinutes(2));
        await queues.PutAsync("jobs", new QueueSettings(Paused: true, DelaySeconds: 5), _ => Task.CompletedTask, None);
        (await store.TakeAsync(Usual, None)).ShouldBeNull();
        (await store.TurnsAsync(["jobs"], None)).ShouldBeEmpty();
        await queues.PutAsync("jobs", new QueueSettings(Paused: false), _ => Task.CompletedTask, None);
        await SendAsync(store, "2");
        Bodies(await store.TakeAsync(Usual, None)).ShouldBe(["1"]);
        time.Forward(TimeSpan.FromSeconds(6));
        Bodies(await store.TakeAsync(Usual, None)).ShouldBe(["2"]);
        (await store.SendAsync("none", [Json("1")], None)).ShouldBeFalse();
    }

    [Theory, DatabaseData]
    public async Task What_a_dead_holder_had_comes_again_and_its_late_word_counts_no_more(DatabaseEngine engine)
    {
        var (database, store, _, time) = await OpenAsync(engine);
        await using var end = database;
        await SendAsync(store, "1", "2");
        var first = (await store.TakeAsync(Usual, None)).ShouldNotBeNull();
        time.Forward(MessageStore.Lease - TimeSpan.FromSeconds(1));
        (await store.RenewAsync(first.Lease, None)).ShouldBeTrue();
        time.Forward(MessageStore.Lease - TimeSpan.FromSeconds(1));
        (await store.TakeAsync(Usual, None)).ShouldBeNull("the first holder has renewed");
        time.Forward(TimeSpan.FromSeconds(2));
        var second = (await store.TakeAsync(Usual, None)).ShouldNotBeNull();
        second.Messages.ShouldAllBe(m => m.Attempts == 2);
        (await store.RenewAsync(first.Lease, None)).ShouldBeFalse();
        await store.SettleAsync(Usual, first, new QueueVerdict("ok", [], [], false, null), None);
        (await store.RenewAsync(second.Lease, None)).ShouldBeTrue("the first holder could not acknowledge what it lost");
        await store.SettleAsync(Usual, second, new QueueVerdict("ok", [], [], false, null), None);
        time.Forward(TimeSpan.FromHours(1));
        (await store.TakeAsync(Usual, None)).ShouldBeNull();
    }

    [Theory, DatabaseData]
    public async Task Each_message_goes_as_its_handler_said_and_dead_letters_keep_where_they_came_from(DatabaseEngine engine)
    {
        var (database, store, queues, time) = await OpenAsync(engine);
        await using var end = database;
        var consumer = Usual with { DeadLetterQueue = "dead", RetryDelaySeconds = 10 };
        await SendAsync(store, "1", "2", "3", "4");
        var batch = (await store.TakeAsync(consumer, None)).ShouldNotBeNull();
        var ids = batch.Messages.Select(m => m.Id).ToArray();
        // The handler failed after it had acknowledged the first and asked for the second at once.
        await store.SettleAsync(consumer, batch, new QueueVerdict("exception", [ids[0]], [new RetriedMessage(ids[1], 0)], true, null), None);
        Bodies(batch = await store.TakeAsync(consumer, None)).ShouldBe(["2"]);
        await store.SettleAsync(consumer, batch!, QueueVerdict.Failed("exception"), None);
        time.Forward(TimeSpan.FromSeconds(11));
        Bodies(batch = await store.TakeAsync(consumer, None)).ShouldBe(["2", "3", "4"]);
        await store.SettleAsync(consumer, batch!, QueueVerdict.Failed("exception"), None);
        (await queues.FindAsync("dead", None)).ShouldNotBeNull().Messages.ShouldBe(1);
        var dead = (await queues.MessagesAsync("dead", 10, None)).ShouldHaveSingleItem();
        (Encoding.UTF8.GetString(dead.Body), dead.Origin, dead.Failure, dead.Attempts).ShouldBe(("2", "jobs", "exception", 0));
        (await queues.FindAsync("jobs", None)).ShouldNotBeNull().Messages.ShouldBe(2);
        // A holder that dies every time: the message is given up without being handed out once more.
        for (var i = 0; i < 3; i++)
        {
            time.Forward(MessageStore.Lease + TimeSpan.FromSeconds(1));
            await store.TakeAsync(consumer, None);
        }
        (await queues.FindAsync("dead", None)).ShouldNotBeNull().Messages.ShouldBe(3);
    }

    [Theory, DatabaseData]
    public async Task No_more_calls_are_begun_at_once_than_the_consumer_allows_and_returned_messages_lose_no_attempt(DatabaseEngine engine)
    {
        var (database, store, _, time) = await OpenAsync(engine);
        await using var end = database;
        var consumer = Usual with { MaxBatchSize = 1, MaxConcurrency = 2 };
        await SendAsync(store, "1", "2", "3");
        var one = (await store.TakeAsync(consumer, None)).ShouldNotBeNull();
        (await store.TakeAsync(consumer, None)).ShouldNotBeNull();
        (await store.TakeAsync(consumer, None)).ShouldBeNull();
        await store.ReturnAsync(one.Lease, TimeSpan.FromSeconds(3), None);
        Bodies(await store.TakeAsync(consumer, None)).ShouldBe(["3"]);
        time.Forward(TimeSpan.FromSeconds(4));
        await store.ReturnAllAsync(None);
        (await store.TakeAsync(consumer, None)).ShouldNotBeNull().Messages[0].Attempts.ShouldBe(1, "the returned one comes first, and its attempt did not count");
    }

    [Theory, DatabaseData]
    public async Task What_is_older_than_the_queue_keeps_goes_and_a_purge_takes_everything(DatabaseEngine engine)
    {
        var (database, store, queues, time) = await OpenAsync(engine);
        await using var end = database;
        await queues.PutAsync("jobs", new QueueSettings(RetentionSeconds: 14 * 86_400), _ => Task.CompletedTask, None);
        await SendAsync(store, "1", "2");
        time.Forward(TimeSpan.FromDays(13));
        (await store.SweepAsync(None)).ShouldBe(0);
        await SendAsync(store, "3");
        time.Forward(TimeSpan.FromDays(2));
        (await store.SweepAsync(None)).ShouldBe(2);
        var gone = 0;
        await queues.EmptyAsync("jobs", remove: false, (_, n) => { gone = n; return Task.CompletedTask; }, None);
        gone.ShouldBe(1);
        (await queues.FindAsync("jobs", None)).ShouldNotBeNull().Messages.ShouldBe(0);
    }
}
