using Quarterdeck.Events;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Live;

/// <summary>Where a live view stands.</summary>
public enum LiveViewState
{
    /// <summary>Nothing was read yet.</summary>
    Loading,
    /// <summary>What is shown follows every change.</summary>
    Live,
    /// <summary>The stream broke; what is shown is old and <see cref="LiveView{T}.Problem"/> says why. It is taken up again by itself.</summary>
    Broken,
    /// <summary>There is nothing to follow: refused or not found. <see cref="LiveView{T}.Refresh"/> tries again.</summary>
    Ended,
}

/// <summary>A page of a list (or one object) that stays true: reads it, follows the topic, puts changed rows in place, and reads again when rows came, went or moved.</summary>
/// <remarks>The only live loop of the pages. It runs off the renderer and hands over finished pages through <c>dispatch</c>, at most five times a second. Made by <see cref="LiveComponent"/>.</remarks>
public sealed partial class LiveView<T> : IAsyncDisposable
{
    /// <summary>The least time between two renders.</summary>
    public static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);

    /// <summary>The least time between two reads because of changes.</summary>
    public static readonly TimeSpan ReadPace = TimeSpan.FromSeconds(1);

    private readonly EventStream<T> _stream;
    private readonly Func<CancellationToken, Task<Result<Page<T>>>> _read;
    private readonly Func<T, bool> _concerns;
    private readonly Func<T, T, bool> _moves;
    private readonly Func<Action, Task> _dispatch;
    private readonly LiveStatus _status;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private CancellationTokenSource? _run;
    private Task _loop = Task.CompletedTask;
    private bool _reportedBroken, _disposed;

    internal LiveView(EventStream<T> stream, Func<CancellationToken, Task<Result<Page<T>>>> read, Func<T, bool>? concerns, Func<T, T, bool>? moves,
        Func<Action, Task> dispatch, LiveStatus status, TimeProvider time, ILogger logger)
    {
        (_stream, _read, _dispatch, _status, _time, _logger) = (stream, read, dispatch, status, time, logger);
        _concerns = concerns ?? (_ => true);
        _moves = moves ?? ((_, _) => false);
    }

    /// <summary>The rows; null until the first read. Only touched on the renderer.</summary>
    public Page<T>? Page { get; private set; }

    /// <summary>The only row, when the view follows one object.</summary>
    public T? Item => Page is { Items: [var item, ..] } ? item : default;

    /// <summary>Where it stands.</summary>
    public LiveViewState State { get; private set; }

    /// <summary>Why it is broken or has ended; null when live.</summary>
    public Problem? Problem { get; private set; }

    /// <summary>Reads (again) at once, for instance because the address changed; what is shown stays until the new rows are there.</summary>
    public void Refresh()
    {
        if (_disposed) return;
        var before = (_run, _loop);
        var run = _run = new CancellationTokenSource();
        var cancellation = run.Token; // taken now: a later refresh may dispose the source before the loop begins
        _loop = Task.Run(() => FollowAsync(before._loop, cancellation), CancellationToken.None);
        before._run?.Cancel();
        before._run?.Dispose();
    }

    /// <summary>Ends the stream; nothing is rendered afterwards.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        if (_reportedBroken) _status.Report(broken: false);
        _run?.Cancel();
        await _loop;
        _run?.Dispose();
    }

    private async Task FollowAsync(Task before, CancellationToken cancellation)
    {
        await before; // never two loops of one view
        var pause = TimeSpan.FromSeconds(1);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                using var round = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                await FollowOnceAsync(round, () => pause = TimeSpan.FromSeconds(1));
                return;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested) { return; }
            catch (ProblemException e) when (e.Problem.Kind is not ProblemKind.Unavailable)
            {
                await ShowAsync(() => (State, Problem, Page) = (LiveViewState.Ended, e.Problem, e.Problem.Kind is ProblemKind.NotFound ? null : Page), broken: false, cancellation);
                return;
            }
            catch (Exception e)
            {
                if (e is not ProblemException) Log.Broke(_logger, _stream.Topic, e);
                var problem = e is ProblemException refused ? refused.Problem : Platform.Problem.Unavailable("Live updates stopped", "The console could not read the present state; it is tried again by itself. The reason is in the console's log.");
                await ShowAsync(() => (State, Problem) = (LiveViewState.Broken, problem), broken: true, cancellation);
            }
            try { await Task.Delay(pause, _time, cancellation); }
            catch (OperationCanceledException) { return; }
            pause = pause * 2 is var longer && longer < TimeSpan.FromSeconds(10) ? longer : TimeSpan.FromSeconds(10);
        }
    }

    private async Task FollowOnceAsync(CancellationTokenSource round, Action held)
    {
        Page<T>? page = null;
        var batches = _stream.SubscribeAsync(async c => (page = (await _read(c)).Value).Items, round.Token, Pace).GetAsyncEnumerator(CancellationToken.None);
        Task<bool>? next = null;
        try
        {
            var stale = false;
            var readAt = _time.GetTimestamp();
            while (true)
            {
                next ??= batches.MoveNextAsync().AsTask();
                if (stale && !next.IsCompleted && ReadPace - _time.GetElapsedTime(readAt) is { Ticks: > 0 } wait)
                    await Task.WhenAny(next, Task.Delay(wait, _time, round.Token));
                if (stale && (!next.IsCompleted || _time.GetElapsedTime(readAt) >= ReadPace))
                {
                    (stale, readAt) = (false, _time.GetTimestamp());
                    page = (await _read(round.Token)).Value;
                }
                else
                {
                    if (!await next) return;
                    next = null;
                    if (batches.Current.Kind is LiveKind.Snapshot) { (stale, readAt) = (false, _time.GetTimestamp()); held(); }
                    else if (!Merge(batches.Current, ref page!, ref stale)) continue;
                }
                var shown = page!;
                await ShowAsync(() => (Page, State, Problem) = (shown, LiveViewState.Live, null), broken: false, round.Token);
            }
        }
        finally
        {
            await round.CancelAsync();
            if (next is not null) await next.ContinueWith(static _ => { }, TaskScheduler.Default); // its error, if any, is thrown already or of no interest
            await batches.DisposeAsync();
        }
    }

    /// <summary>Puts changed rows in their place; true when something shown changed, <paramref name="stale"/> when rows may have come, gone or moved.</summary>
    private bool Merge(LiveBatch<T> batch, ref Page<T> page, ref bool stale)
    {
        if (batch.Kind is LiveKind.Removed)
        {
            foreach (var item in page.Items)
                if (batch.Keys.Contains(_stream.KeyOf(item))) stale = true;
            stale |= page.Total > page.Items.Count;
            return false;
        }
        T[]? rows = null;
        foreach (var item in batch.Items)
        {
            var at = IndexOf(page.Items, _stream.KeyOf(item));
            if (at < 0) { stale |= _concerns(item); continue; }
            stale |= !_concerns(item) || _moves(page.Items[at], item);
            rows ??= [.. page.Items];
            rows[at] = item;
        }
        if (rows is null) return false;
        page = page with { Items = rows };
        return true;
    }

    private int IndexOf(IReadOnlyList<T> items, string key)
    {
        for (var i = 0; i < items.Count; i++)
            if (_stream.KeyOf(items[i]) == key) return i;
        return -1;
    }

    private Task ShowAsync(Action apply, bool broken, CancellationToken cancellation) => _dispatch(() =>
    {
        if (_disposed || cancellation.IsCancellationRequested) return;
        apply();
        if (_reportedBroken == broken) return;
        _reportedBroken = broken;
        _status.Report(broken);
    });

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "A live view of {Topic} broke and is taken up again")]
        public static partial void Broke(ILogger logger, string topic, Exception e);
    }
}
