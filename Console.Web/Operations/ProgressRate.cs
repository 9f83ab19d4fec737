using Quarterdeck.Operations;

namespace Quarterdeck.Web.Operations;

/// <summary>How fast an operation goes, over the last seconds, and how long it will still take.</summary>
/// <remarks>Over a window, because a rate since the beginning answers a change of speed much too late.</remarks>
internal sealed class ProgressRate(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private readonly Queue<(long At, long Done)> _samples = new();
    private string? _unit;

    /// <summary>Units a second; null until that can be said.</summary>
    public double? PerSecond { get; private set; }

    /// <summary>What is left; null when unknown.</summary>
    public TimeSpan? Left { get; private set; }

    /// <summary>Takes the present value.</summary>
    public void Add(OperationProgress? progress)
    {
        var now = time.GetTimestamp();
        // Another unit, or a step back, is another piece of work.
        if (progress is null || progress.Unit != _unit || (_samples.Count > 0 && progress.Done < _samples.Last().Done)) _samples.Clear();
        (PerSecond, Left, _unit) = (null, null, progress?.Unit);
        if (progress is null) return;
        _samples.Enqueue((now, progress.Done));
        while (_samples.Count > 2 && time.GetElapsedTime(_samples.Peek().At, now) > Window) _samples.Dequeue();
        var (at, done) = _samples.Peek();
        var span = time.GetElapsedTime(at, now);
        if (span < Least || progress.Done == done) return;
        PerSecond = (progress.Done - done) / span.TotalSeconds;
        if (progress.Total is { } total) Left = TimeSpan.FromSeconds(Math.Min((total - progress.Done) / PerSecond.Value, TimeSpan.FromDays(30).TotalSeconds));
    }
}
