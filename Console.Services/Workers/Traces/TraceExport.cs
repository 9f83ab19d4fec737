using System.Net.Http.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Quarterdeck.Workers.Traces;

/// <summary>Sends spans of workers' requests to a collector, in batches. Requests never wait for it: what is too much or cannot be sent is dropped and counted.</summary>
internal sealed partial class TraceExport : BackgroundService
{
    private const int MostWaiting = 4096, MostBatch = 512;
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1), Patience = TimeSpan.FromSeconds(10);
    private readonly Channel<RequestSpan> _waiting;
    private readonly TraceOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<TraceExport> _logger;
    private long _dropped;

    public TraceExport(IOptions<WorkersOptions> options, TimeProvider time, ILogger<TraceExport> logger)
    {
        (_options, _time, _logger) = (options.Value.Traces, time, logger);
        _waiting = Channel.CreateBounded<RequestSpan>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ => Interlocked.Increment(ref _dropped));
    }

    /// <summary>Whether there is a collector; false costs a request nothing more than asking.</summary>
    public bool IsOn => _options.Endpoint.Length > 0;

    /// <summary>Whether a request is to be told.</summary>
    /// <param name="traceParent">Its header; null for none.</param>
    public bool Wants(string? traceParent) => IsOn && (RequestSpan.Parent(traceParent)?.Sampled is true || Random.Shared.NextDouble() < _options.Ratio);

    /// <summary>Takes one that <see cref="Wants"/> wanted; never waits.</summary>
    public void Offer(RequestSpan span) => _waiting.Writer.TryWrite(span);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!IsOn) return;
        using var client = new HttpClient { Timeout = Patience };
        var address = new Uri(_options.Endpoint.TrimEnd('/') + "/v1/traces");
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                var batch = new List<RequestSpan>();
                while (batch.Count < MostBatch && _waiting.Reader.TryRead(out var span)) batch.Add(span);
                await SendAsync(client, address, batch, stoppingToken);
                if (batch.Count < MostBatch) await Task.Delay(Pace, _time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { /* what waits is not worth a slow stop */ }
    }

    private async Task SendAsync(HttpClient client, Uri address, IReadOnlyList<RequestSpan> batch, CancellationToken cancellation)
    {
        var body = new
        {
            resourceSpans = new[]
            {
                new
                {
                    resource = new { attributes = new[] { new { key = "service.name", value = new { stringValue = "quarterdeck-workers" } }, new { key = "host.name", value = new { stringValue = Environment.MachineName } } } },
                    scopeSpans = new[] { new { scope = new { name = "Quarterdeck.Workers" }, spans = batch.Select(span => span.ToOtlp()) } },
                },
            },
        };
        try
        {
            using var answer = await client.PostAsJsonAsync(address, body, cancellation);
            answer.EnsureSuccessStatusCode();
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            Log.NotSent(_logger, batch.Count, address, e.Message, Interlocked.Exchange(ref _dropped, 0));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Count} spans could not be sent to {Address}: {Reason} ({Dropped} more were dropped before)")]
        public static partial void NotSent(ILogger logger, int count, Uri address, string reason, long dropped);
    }
}
