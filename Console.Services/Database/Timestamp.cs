namespace Quarterdeck.Database;

/// <summary>Times are stored as microseconds since 1970 in UTC.</summary>
public static class Timestamp
{
    /// <summary>The number stored for <paramref name="time"/>; finer parts are cut off.</summary>
    public static long ToColumn(DateTimeOffset time)
    {
        var ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        // Floor, not truncate: times before 1970 keep their order.
        return Math.DivRem(ticks, TimeSpan.TicksPerMicrosecond, out var rest) - (rest < 0 ? 1 : 0);
    }

    /// <summary>The time stored as <paramref name="microseconds"/>, in UTC.</summary>
    public static DateTimeOffset FromColumn(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>The same time as it comes back from the database, for comparing what was written with what is read.</summary>
    public static DateTimeOffset Stored(this DateTimeOffset time) => FromColumn(ToColumn(time));
}
