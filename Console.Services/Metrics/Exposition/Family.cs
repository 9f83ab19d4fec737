using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Quarterdeck.Metrics.Exposition;

/// <summary>How a family's numbers are kept.</summary>
internal enum FamilyKind { Counter, Gauge, Histogram }

/// <summary>All series of one name.</summary>
internal sealed class Family(string name, string help, FamilyKind kind, double[]? bounds)
{
    private const int MostSeries = 1000;
    private static readonly double[] Seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    private static readonly double[] Sizes = [64, 1024, 16384, 262144, 4194304, 67108864, 1073741824];

    private readonly ConcurrentDictionary<string, Series> _series = new();
    private readonly double[]? _bounds = kind is FamilyKind.Histogram ? bounds ?? (name.EndsWith("_seconds", StringComparison.Ordinal) ? Seconds : Sizes) : null;

    public string Name => name;

    public FamilyKind Kind => kind;

    /// <summary>The series of these tags; null when there are too many already, which would eat the memory.</summary>
    public Series? Of(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels.Of(tags);
        // The common case: seen before, found without making a string.
        if (labels.Length <= 512)
        {
            Span<char> text = stackalloc char[labels.Length];
            labels.CopyTo(0, text, text.Length);
            if (_series.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out var known)) return known;
        }
        return _series.Count < MostSeries ? _series.GetOrAdd(labels.ToString(), _ => new Series(_bounds)) : null;
    }

    /// <summary>Writes it; of what is observed only the series seen in this scrape.</summary>
    public void Write(StringBuilder to, long scrape)
    {
        var series = _series.Where(s => s.Value.Scrape is 0 || s.Value.Scrape == scrape).OrderBy(s => s.Key, StringComparer.Ordinal).ToArray();
        if (series.Length == 0) return;
        if (help.Length > 0) to.Append("# HELP ").Append(name).Append(' ').Append(PrometheusName.Help(help)).Append('\n');
        to.Append("# TYPE ").Append(name).Append(' ').Append(kind.ToString().ToLowerInvariant()).Append('\n');
        foreach (var (labels, one) in series)
        {
            if (kind is FamilyKind.Histogram) WriteHistogram(to, labels, one);
            else Line(to, "", labels, "", one.Value);
        }
    }

    private void WriteHistogram(StringBuilder to, string labels, Series one)
    {
        var (cumulative, sum, count) = one.Histogram();
        for (var i = 0; i < cumulative.Length; i++)
            Line(to, "_bucket", labels, $"le=\"{(i < _bounds!.Length ? Number(_bounds[i]) : "+Inf")}\"", cumulative[i]);
        Line(to, "_sum", labels, "", sum);
        Line(to, "_count", labels, "", count);
    }

    private void Line(StringBuilder to, string suffix, string labels, string more, double value)
    {
        to.Append(name).Append(suffix);
        if (labels.Length + more.Length > 0) to.Append('{').Append(labels).Append(labels.Length > 0 && more.Length > 0 ? "," : "").Append(more).Append('}');
        to.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);
}
