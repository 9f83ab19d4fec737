namespace Quarterdeck.Tests.Support;

/// <summary>A clock that runs on by itself only for what waits (timers and time-stamps are real), and whose time of day the test moves; timers that come due by that fire at once.</summary>
internal sealed class HandTime(DateTimeOffset now) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private DateTimeOffset _now = now;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock) return _now;
    }

    public void Forward(TimeSpan by)
    {
        Timer[] due;
        lock (_lock)
        {
            _now += by;
            due = [.. _timers.Where(t => t.Due <= _now)];
        }
        foreach (var timer in due) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, System.CreateTimer(callback, state, dueTime, period), dueTime, period);
        lock (_lock) _timers.Add(timer);
        return timer;
    }

    private sealed class Timer(HandTime clock, ITimer real, TimeSpan due, TimeSpan period) : ITimer
    {
        public DateTimeOffset Due { get; private set; } = At(clock, due);

        private static DateTimeOffset At(HandTime clock, TimeSpan due) => due == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : clock.GetUtcNow() + due;

        public void Fire()
        {
            Due = DateTimeOffset.MaxValue;
            real.Change(TimeSpan.Zero, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan periodTime)
        {
            Due = At(clock, dueTime);
            return real.Change(dueTime, periodTime);
        }

        public void Dispose()
        {
            lock (clock._lock) clock._timers.Remove(this);
            real.Dispose();
        }

        public async ValueTask DisposeAsync()
        {
            lock (clock._lock) clock._timers.Remove(this);
            await real.DisposeAsync();
        }
    }
}
