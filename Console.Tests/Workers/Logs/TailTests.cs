using System.Text;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Logs;

namespace Quarterdeck.Tests.Workers.Logs;

public sealed class TailTests
{
    private const string One = """
        [{"outcome":"ok","eventTimestamp":1795435200123,"cpuTime":3,"wallTime":12,
          "event":{"request":{"method":"POST","url":"https://shop.test/pay?x=1","headers":{"x-request-id":"abc"}},"response":{"status":201}},
          "logs":[{"timestamp":1795435200124,"level":"warn","message":["slow",{"ms":12}]}],"exceptions":[]}]
        """;

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1795435200123);

    private static IReadOnlyList<TailEvent> Read(string json) => TailReader.Read(7, 3, Encoding.UTF8.GetBytes(json), Now);

    private static void Publish(WorkerTails tails, string json = One, long serial = 7) => tails.Publish(serial, 3, Encoding.UTF8.GetBytes(json));

    [Fact]
    public void A_trace_item_is_read_with_its_request_lines_and_times()
    {
        var run = Read(One).ShouldHaveSingleItem();
        (run.Serial, run.Version, run.Trigger, run.Outcome, run.Method, run.Url, run.Status, run.RequestId).ShouldBe((7, 3, "fetch", "ok", "POST", "https://shop.test/pay?x=1", 201, "abc"));
        (run.CpuMs, run.WallMs, run.At, run.Failed).ShouldBe((3, 12, Now, false));
        run.Lines.ShouldHaveSingleItem().ShouldBe(new TailLine(Now.AddMilliseconds(1), TailLevel.Warn, "slow {\"ms\":12}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1,\"x\",null]")]
    [InlineData("[{\"outcome\":")]
    [InlineData("not json")]
    public void What_is_no_array_of_items_is_dropped(string json) => Read(json).ShouldBeEmpty();

    [Fact]
    public void Members_of_the_wrong_kind_are_left_out()
    {
        var run = Read("""[{"outcome":5,"eventTimestamp":"never","cpuTime":"x","event":{"request":7,"response":{"status":"big"}},"logs":{"a":1},"exceptions":[{"message":3}]}]""").ShouldHaveSingleItem();
        (run.Outcome, run.At, run.CpuMs, run.Status, run.Method, run.Lines.Count).ShouldBe(("unknown", Now, 0, null, null, 0));
        run.Exceptions.ShouldHaveSingleItem().Message.ShouldBe("");
        run.Failed.ShouldBeTrue();
    }

    [Fact]
    public void Floods_are_cut_and_say_so()
    {
        var lines = string.Join(',', Enumerable.Repeat($$"""{"level":"log","message":["{{new string('x', 20_000)}}"]}""", 300));
        var run = Read($$"""[{"outcome":"ok","event":{},"logs":[{{lines}}],"exceptions":[]}]""");
        run.ShouldBeEmpty("6 MB are more than is read");
        var few = Read($$"""[{"outcome":"ok","event":{"cron":"* * * * *"},"logs":[{{string.Join(',', Enumerable.Repeat("""{"level":"log","message":["y"]}""", 300))}},{"level":"log","message":["{{new string('x', 20_000)}}"]}],"exceptions":[]}]""").ShouldHaveSingleItem();
        (few.Trigger, few.Lines.Count, few.Truncated).ShouldBe(("scheduled", 256, true));
    }

    [Fact]
    public async Task Only_watchers_of_a_worker_hear_and_only_what_they_want()
    {
        var tails = new WorkerTails(TimeProvider.System);
        tails.IsWatched(7).ShouldBeFalse();
        Publish(tails); // nobody is there: nothing is kept
        using var all = tails.Watch(7, TailFilter.All)!;
        using var errors = tails.Watch(7, new TailFilter(Failed: true))!;
        using var other = tails.Watch(8, TailFilter.All)!;
        tails.IsWatched(7).ShouldBeTrue();
        Publish(tails);
        Publish(tails, One.Replace("\"status\":201", "\"status\":503"));
        (await TakeAsync(all, 2)).Select(r => r.Status).ShouldBe([201, 503]);
        (await TakeAsync(errors, 1)).Select(r => r.Status).ShouldBe([503]);
        all.Dispose();
        errors.Dispose();
        tails.IsWatched(7).ShouldBeFalse();
        tails.IsWatched(8).ShouldBeTrue();
    }

    [Fact]
    public void Filters_look_at_version_level_method_status_and_text()
    {
        var run = Read(One)[0];
        bool Fits(TailFilter filter) => filter.Matches(run);
        Fits(new(Version: 3, Failed: false, Level: TailLevel.Warn, Method: "post", Status: 2, Search: "SHOP")).ShouldBeTrue();
        Fits(new(Status: 201, Search: "slow {")).ShouldBeTrue();
        new[] { new TailFilter(Version: 2), new(Failed: true), new(Level: TailLevel.Error), new(Method: "GET"), new(Status: 4), new(Status: 200), new(Search: "cart") }.Count(Fits).ShouldBe(0);
    }

    [Fact]
    public async Task A_slow_watcher_loses_the_oldest_and_a_flood_is_held_back_and_both_are_counted()
    {
        var tails = new WorkerTails(TimeProvider.System);
        using var watch = tails.Watch(7, TailFilter.All)!;
        var item = One.Trim()[1..^1];
        Publish(tails, $"[{string.Join(',', Enumerable.Repeat(item, 500))}]");
        Publish(tails, $"[{string.Join(',', Enumerable.Repeat(item, 500))}]");
        watch.Dropped.ShouldBeGreaterThan(300);
        (await TakeAsync(watch, TailWatch.Capacity)).Count.ShouldBe(TailWatch.Capacity);
    }

    [Fact]
    public void A_worker_has_a_bounded_number_of_watchers()
    {
        var tails = new WorkerTails(TimeProvider.System);
        var watches = Enumerable.Range(0, WorkerTails.MostWatchers).Select(_ => tails.Watch(7, TailFilter.All)!).ToList();
        tails.Watch(7, TailFilter.All).ShouldBeNull();
        watches[0].Dispose();
        watches.Add(tails.Watch(7, TailFilter.All).ShouldNotBeNull());
        watches.ForEach(w => w.Dispose());
        tails.IsWatched(7).ShouldBeFalse();
    }

    private static async Task<List<TailEvent>> TakeAsync(TailWatch watch, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var taken = new List<TailEvent>();
        await foreach (var run in watch.ReadAsync(limit.Token))
            if (taken.Count + 1 == count) { taken.Add(run); break; }
            else taken.Add(run);
        return taken;
    }
}
