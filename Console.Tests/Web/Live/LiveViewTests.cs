using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Tests.Web.Live;

public sealed class LiveViewTests : IAsyncDisposable
{
    private sealed record Row(string Id, int Value, bool Shown = true);

    private readonly EventBus _bus = new(new ConsoleOptions { DataFolder = "/nowhere", ImageRoots = [] }, TimeProvider.System, NullLogger<EventBus>.Instance);
    private readonly Dictionary<string, Row> _rows = [];
    private readonly EventStream<Row> _stream;
    private readonly LiveStatus _status;
    private readonly List<LiveView<Row>> _views = [];
    private int _reads, _renders;
    private Problem? _refusal;
    private Exception? _failure;

    public LiveViewTests()
    {
        _stream = new("rows", r => r.Id, (keys, _) => Task.FromResult<IReadOnlyList<Row>>([]), _bus);
        _status = new LiveStatus(_bus);
    }

    private LiveView<Row> View(Func<Row, Row, bool>? moves = null)
    {
        var view = new LiveView<Row>(_stream, _ =>
        {
            Interlocked.Increment(ref _reads);
            if (_failure is not null) throw _failure;
            lock (_rows)
                return Task.FromResult<Result<Page<Row>>>(_refusal is { } p ? p : new Page<Row>([.. _rows.Values.Where(r => r.Shown).OrderBy(r => r.Value).Take(3)], _rows.Count, 1, 3));
        }, r => r.Shown, moves, apply => { lock (this) { Interlocked.Increment(ref _renders); apply(); } return Task.CompletedTask; }, _status, TimeProvider.System, NullLogger.Instance);
        _views.Add(view);
        return view;
    }

    private void Set(Row row, bool publish = true)
    {
        lock (_rows) _rows[row.Id] = row;
        if (publish) _stream.Publish(row);
    }

    private static async Task Until(Func<bool> holds, int seconds = 6)
    {
        for (var i = 0; i < seconds * 50 && !holds(); i++) await Task.Delay(20);
        holds().ShouldBeTrue();
    }

    [Fact]
    public async Task A_changed_row_is_replaced_in_place_without_reading_again()
    {
        Set(new("a", 1), publish: false);
        Set(new("b", 5), publish: false);
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live);
        var reads = _reads;
        Set(new("a", 2));
        await Until(() => view.Page!.Items[0].Value == 2);
        _reads.ShouldBe(reads);
    }

    [Fact]
    public async Task A_new_row_and_a_removed_row_make_it_read_again()
    {
        Set(new("a", 1), publish: false);
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live);
        Set(new("b", 0));
        await Until(() => view.Page!.Items.Count == 2 && view.Page.Items[0].Id == "b");
        lock (_rows) _rows.Remove("a");
        _stream.Remove("a");
        await Until(() => view.Page!.Items.Count == 1);
    }

    [Fact]
    public async Task A_row_of_no_concern_causes_neither_a_read_nor_a_render()
    {
        Set(new("a", 1), publish: false);
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live);
        var (reads, renders) = (_reads, _renders);
        Set(new("z", 0, Shown: false));
        await Task.Delay(1500);
        (_reads, _renders).ShouldBe((reads, renders));
    }

    [Fact]
    public async Task A_row_that_moves_makes_it_read_again()
    {
        Set(new("a", 1), publish: false);
        Set(new("b", 5), publish: false);
        var view = View(moves: (old, now) => old.Value != now.Value);
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live);
        Set(new("a", 9));
        await Until(() => view.Page!.Items[0].Id == "b");
    }

    [Fact]
    public async Task A_thousand_changes_a_second_render_at_most_about_five_times()
    {
        Set(new("a", 0), publish: false);
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live);
        var before = _renders;
        for (var i = 1; i <= 1000; i++)
        {
            Set(new("a", i));
            if (i % 10 == 0) await Task.Delay(10);
        }
        await Until(() => view.Page!.Items[0].Value == 1000);
        (_renders - before).ShouldBeLessThanOrEqualTo(20);
    }

    [Fact]
    public async Task A_failing_read_shows_as_broken_and_is_taken_up_again()
    {
        Set(new("a", 1), publish: false);
        _failure = new InvalidOperationException("the database is gone");
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Broken);
        _status.Broken.ShouldBeTrue();
        view.Problem!.Kind.ShouldBe(ProblemKind.Unavailable);
        view.Problem.Detail.ShouldNotContain("database is gone");
        _failure = null;
        await Until(() => view.State is LiveViewState.Live);
        _status.Broken.ShouldBeFalse();
        view.Page!.Items.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_refusal_ends_it_until_it_is_refreshed()
    {
        _refusal = Problem.NotFound("row", "a");
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Ended);
        _status.Broken.ShouldBeFalse();
        _refusal = null;
        Set(new("a", 1), publish: false);
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live && view.Item!.Id == "a");
    }

    [Fact]
    public async Task Refreshing_keeps_the_old_rows_until_the_new_ones_are_read()
    {
        Set(new("a", 1), publish: false);
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live);
        for (var i = 0; i < 20; i++) { view.Refresh(); view.Page.ShouldNotBeNull(); }
        Set(new("a", 7));
        await Until(() => view.Page!.Items[0].Value == 7);
    }

    [Fact]
    public async Task Nothing_is_rendered_after_disposal()
    {
        Set(new("a", 1), publish: false);
        var view = View();
        view.Refresh();
        await Until(() => view.State is LiveViewState.Live);
        await view.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        var renders = _renders;
        Set(new("a", 2));
        await Task.Delay(500);
        _renders.ShouldBe(renders);
    }

    [Fact]
    public async Task A_broken_view_that_is_disposed_no_longer_counts_as_broken()
    {
        _failure = new InvalidOperationException();
        var view = View();
        view.Refresh();
        await Until(() => _status.Broken);
        await view.DisposeAsync();
        _status.Broken.ShouldBeFalse();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var view in _views) await view.DisposeAsync();
        _status.Dispose();
        _bus.Dispose();
    }
}
