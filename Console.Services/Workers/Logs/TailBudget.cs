namespace Quarterdeck.Workers.Logs;

/// <summary>How many runs a second of one worker are told: a flood must not eat the console that shows it.</summary>
internal sealed class TailBudget(TimeProvider time)
{
    public const int PerSecond = 200, Burst = 500;

    private readonly Lock _gate = new();
    private double _left = Burst;
    private long _at = time.GetTimestamp();

    /// <summary>Takes up to so many; how many may be told.</summary>
    public int Take(int wanted)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _left = Math.Min(Burst, _left + time.GetElapsedTime(_at, now).TotalSeconds * PerSecond);
            _at = now;
            var taken = Math.Min(wanted, (int)_left);
            _left -= taken;
            return taken;
        }
    }
}
