namespace Quarterdeck.Workers;

/// <summary>Where spans of workers' requests go: <c>Quarterdeck:Workers:Traces</c>.</summary>
public sealed class TraceOptions
{
    /// <summary>Base address of a collector that takes OTLP over HTTP with JSON, such as <c>http://collector.example.com:4318</c>; empty for none.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>Share of requests that are told, 0 to 1. A request whose <c>traceparent</c> says that it is sampled is told in any case.</summary>
    public double Ratio { get; set; } = 0.05;
}
