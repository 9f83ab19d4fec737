namespace Quarterdeck.Tests.Support;

/// <summary>A clock whose time of day the test moves; timers that come due by that fire at once, and are real otherwise.</summary>
/// <param name="now">Where it stands; null for a clock that goes on by itself, and from which the test moves it away.</param>
/// <param name="stamps">Whether time-stamps follow it; else they are real.</param>
internal sealed class HandTime(DateTimeOffset? now, bool stamps = false) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private TimeSpan _moved;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock) return (now ?? System.GetUtcNow()) + _moved;
    }

    public override long GetTimestamp()
    {
        if (!stamps) return base.GetTimestamp();
        lock (_lock) return (now is null ? base.GetTimestamp() : 1) + (long)(_moved.TotalSeconds * TimestampFrequency);
    }

    public void Forward(TimeSpan by)
    {
        Timer[] due;
        lock (_lock)
        {
            _moved += by;
            var reached = GetUtcNow();
            due = [.. _timers.Where(t => t.Due <= reached)];
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
