using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Logs;

/// <summary>Speaks to a compute server as the front does, one connection a request, and waits for what the run logged.</summary>
internal sealed class TrialSender(WorkerTable table, ComputeServers servers, WorkerTails tails)
{
    private const int MostBody = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), TailPatience = TimeSpan.FromSeconds(3);
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    public async Task<Result<TrialAnswer>> SendAsync(WorkerKey key, TrialRequest request, CancellationToken cancellation)
    {
        if (servers.Problem is { } away) return Problem.Unavailable("No worker can run on this node", away);
        if (!table.Current.Workers.TryGetValue(key.Serial, out var worker)) return Problem.Unavailable("The worker is not known to this node yet", "Try again in a moment.");
        if (worker.Tier is WorkerTier.Off) return Problem.Conflict("The worker is off", "It answers no requests. An administrator can bring it back under Settings, Trust and place.");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        var id = Guid.NewGuid().ToString("N");
        using var watch = tails.Watch(key.Serial, TailFilter.All);
        try
        {
            var server = servers.Pick(worker);
            await server.ReadyAsync(limit.Token);
            using var ticket = server.Begin(key);
            var answer = await ExchangeAsync(server.SocketPath, key, request, id, watch, limit.Token);
            ticket.Answered();
            return answer;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Problem.Unavailable("The worker did not answer", $"There was no complete answer within {Patience.TotalSeconds:0} s. Its log may tell what it waits for.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return Problem.Unavailable("The compute server ended", $"The connection to it broke before the answer was complete ({e.Message}). It is started again by itself; Compute servers tells how it ended.");
        }
    }

    private static async Task<TrialAnswer> ExchangeAsync(string socket, WorkerKey key, TrialRequest request, string id, TailWatch? watch, CancellationToken cancellation)
    {
        using var client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ActivityHeadersPropagator = null,
            ConnectCallback = async (_, stop) =>
            {
                var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try { await unix.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop); }
                catch { unix.Dispose(); throw; }
                return new NetworkStream(unix, ownsSocket: true);
            },
        }) { Timeout = Timeout.InfiniteTimeSpan };
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), new UriBuilder(request.Url) { Scheme = "http", Port = request.Url.IsDefaultPort ? 80 : request.Url.Port }.Uri);
        if (request.Body is { } body) message.Content = new ByteArrayContent(body);
        foreach (var (name, value) in request.Headers)
            if (!message.Headers.TryAddWithoutValidation(name, value)) (message.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, value);
        foreach (var name in (string[])["x-forwarded-proto", "x-quarterdeck-scheme"]) message.Headers.TryAddWithoutValidation(name, request.Url.Scheme);
        message.Headers.TryAddWithoutValidation("x-request-id", id);
        message.Headers.TryAddWithoutValidation("x-quarterdeck-worker", watch is null ? key.ToString() : $"{key}+tail");
        var began = Stopwatch.GetTimestamp();
        using var answer = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
        var (bytes, more) = await ReadAsync(answer, cancellation);
        var wall = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        var headers = answer.Headers.Concat(answer.Content.Headers).SelectMany(h => h.Value.Select(v => KeyValuePair.Create(h.Key.ToLowerInvariant(), v)))
            .Where(h => !h.Key.StartsWith("x-quarterdeck-", StringComparison.Ordinal)).ToList();
        return new TrialAnswer(key.Version, (int)answer.StatusCode, headers, Text(bytes, more), bytes.Length, more, wall, await RunAsync(watch, id, cancellation));
    }

    private static async Task<(byte[] Bytes, bool More)> ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
        var bytes = new byte[MostBody];
        var read = await body.ReadAtLeastAsync(bytes, MostBody, throwOnEndOfStream: false, cancellation);
        return (bytes[..read], read == MostBody && await body.ReadAsync(new byte[1], cancellation) > 0);
    }

    /// <summary>As text, unless it holds other bytes; a cut body may end inside a character.</summary>
    private static string? Text(byte[] bytes, bool cut)
    {
        for (var left = 0; left <= (cut ? 3 : 0) && left <= bytes.Length; left++)
        {
            try { return Utf8.GetString(bytes, 0, bytes.Length - left); }
            catch (DecoderFallbackException) { /* perhaps the cut */ }
        }
        return null;
    }

    /// <summary>What this request's run told, if it tells soon.</summary>
    private static async Task<TailEvent?> RunAsync(TailWatch? watch, string id, CancellationToken cancellation)
    {
        if (watch is null) return null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TailPatience);
        try
        {
            await foreach (var run in watch.ReadAsync(limit.Token))
                if (run.RequestId == id) return run;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { /* it tells nothing: the answer stands */ }
        return null;
    }
}
