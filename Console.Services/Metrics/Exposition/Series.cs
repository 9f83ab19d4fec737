namespace Quarterdeck.Metrics.Exposition;

/// <summary>One series: a number, or a histogram's buckets.</summary>
internal sealed class Series(double[]? bounds)
{
    private readonly Lock _gate = new();
    private readonly long[]? _buckets = bounds is null ? null : new long[bounds.Length + 1];
    private double _value;
    private long _count;

    /// <summary>Which scrape last saw it; of what is observed, only what was seen in this one is told.</summary>
    public long Scrape { get; set; }

    public void Add(double value)
    {
        lock (_gate) _value += value;
    }

    public void Set(double value)
    {
        lock (_gate) _value = value;
    }

    public void Observe(double value)
    {
        if (double.IsNaN(value)) return;
        var bucket = Array.BinarySearch(bounds!, value);
        lock (_gate)
        {
            // A bucket holds what is at most its bound; ~ is the next larger bound, past the end is +Inf.
            _buckets![bucket < 0 ? ~bucket : bucket]++;
            _value += value;
            _count++;
        }
    }

    public double Value { get { lock (_gate) return _value; } }

    /// <summary>Each bucket with those below it, the sum, and the count: of one moment.</summary>
    public (long[] Cumulative, double Sum, long Count) Histogram()
    {
        lock (_gate)
        {
            var cumulative = (long[])_buckets!.Clone();
            for (var i = 1; i < cumulative.Length; i++) cumulative[i] += cumulative[i - 1];
            return (cumulative, _value, _count);
        }
    }
}
