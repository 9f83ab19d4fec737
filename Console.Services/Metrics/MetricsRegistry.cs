using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Quarterdeck.Metrics.Exposition;

namespace Quarterdeck.Metrics;

/// <summary>Collects the instruments of <c>System.Diagnostics.Metrics</c> in this process and writes them as Prometheus text.</summary>
/// <remarks>A room makes a <c>Meter</c> whose name starts with <c>Quarterdeck.</c> (from <c>IMeterFactory</c>) and needs nothing else; the runtime's, ASP.NET's and Npgsql's own meters are included.</remarks>
public sealed class MetricsRegistry : IDisposable
{
    /// <summary>The content type of <see cref="WriteAsync"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly string[] Others = ["System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Components.Server.Circuits", "Npgsql"];

    private readonly ConcurrentDictionary<(string Name, FamilyKind Kind), Family> _families = new();
    private readonly MeterListener _listener = new();
    private readonly ProcessMeter _process = new();
    private readonly Lock _scraping = new();
    private long _scrape = 1;

    /// <summary>Starts to collect.</summary>
    public MetricsRegistry()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith("Quarterdeck.", StringComparison.Ordinal) || Others.Contains(instrument.Meter.Name))
                listener.EnableMeasurementEvents(instrument, Sink(instrument));
        };
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, sink) => Measured(value, tags, sink));
        _listener.SetMeasurementEventCallback<short>((_, value, tags, sink) => Measured(value, tags, sink));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, sink) => Measured(value, tags, sink));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, sink) => Measured(value, tags, sink));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, sink) => Measured(value, tags, sink));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, sink) => Measured(value, tags, sink));
        _listener.SetMeasurementEventCallback<decimal>((_, value, tags, sink) => Measured((double)value, tags, sink));
        _listener.Start();
    }

    /// <summary>Writes every metric as it stands now.</summary>
    public async Task WriteAsync(Stream to, CancellationToken cancellation) => await to.WriteAsync(Encoding.UTF8.GetBytes(Write()), cancellation);

    /// <summary>Stops collecting.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        _process.Dispose();
    }

    private string Write()
    {
        lock (_scraping)
        {
            _scrape++;
            _listener.RecordObservableInstruments();
            var text = new StringBuilder(32 << 10);
            string? last = null;
            foreach (var family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal).ThenBy(f => f.Kind))
            {
                // One name has one type; an instrument that claims the name for another type is left out.
                if (family.Name == last) continue;
                last = family.Name;
                family.Write(text, _scrape);
            }
            return text.ToString();
        }
    }

    private Measurer Sink(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        var kind = type == typeof(Histogram<>) ? FamilyKind.Histogram
            : type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? FamilyKind.Counter : FamilyKind.Gauge;
        var name = PrometheusName.Metric(instrument.Name, instrument.Unit, kind is FamilyKind.Counter);
        var family = _families.GetOrAdd((name, kind), key => new Family(key.Name, instrument.Description ?? "", key.Kind, Bounds(instrument)));
        if (instrument.IsObservable)
            return (value, tags) =>
            {
                if (family.Of(tags) is not { } series) return;
                series.Set(value);
                series.Scrape = _scrape;
            };
        if (kind is FamilyKind.Histogram) return (value, tags) => family.Of(tags)?.Observe(value);
        if (type == typeof(Gauge<>)) return (value, tags) => family.Of(tags)?.Set(value);
        return (value, tags) => family.Of(tags)?.Add(value);
    }

    private delegate void Measurer(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags);

    private static void Measured(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? sink) => ((Measurer)sink!)(value, tags);

    private static double[]? Bounds(Instrument instrument) => instrument switch
    {
        Instrument<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Instrument<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        Instrument<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        _ => null,
    };
}
