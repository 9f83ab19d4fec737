namespace Quarterdeck.Tests.Support;

/// <summary>A clock on which whoever waits has waited: each timer moves it by what it was asked for, and is due at once. For code that waits for one thing after the other.</summary>
internal sealed class JumpTime : TimeProvider
{
    private long _ticks;

    /// <summary>Seconds that were waited for.</summary>
    public double Passed => TimeSpan.FromTicks(GetTimestamp()).TotalSeconds;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime > TimeSpan.Zero) Interlocked.Add(ref _ticks, dueTime.Ticks);
        return System.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
