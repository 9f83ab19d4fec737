namespace Quarterdeck.Metrics;

/// <summary>Collects the instruments of <c>System.Diagnostics.Metrics</c> in this process and writes them as Prometheus text.</summary>
/// <remarks>A room makes a <c>Meter</c> whose name starts with <c>Quarterdeck.</c> (from <c>IMeterFactory</c>) and needs nothing else; the runtime's, ASP.NET's and Npgsql's own meters are included.</remarks>
public sealed class MetricsRegistry
{
    /// <summary>The content type of <see cref="WriteAsync"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes every metric as it stands now.</summary>
    public Task WriteAsync(Stream to, CancellationToken cancellation) => throw new NotImplementedException();
}
