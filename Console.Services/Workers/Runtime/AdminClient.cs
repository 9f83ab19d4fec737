using System.Net.Sockets;
using System.Text.Json;
using Quarterdeck.Workers.Bindings.Queues;

namespace Quarterdeck.Workers.Runtime;

/// <summary>What the dispatcher tells of one version.</summary>
/// <param name="Key">Its key, with <c>+tail</c> for the watched variant.</param>
/// <param name="Open">Whether its isolate is loaded.</param>
/// <param name="Used">Last request, milliseconds since 1970.</param>
/// <param name="Live">Requests in it.</param>
/// <param name="Loads">How often it was loaded.</param>
/// <param name="LoadMs">What its last load took until the code was there.</param>
/// <param name="Failure">Why it cannot be loaded; null when it can.</param>
internal sealed record IsolateInfo(string Key, bool Open, double Used, int Live, int Loads, double LoadMs, string? Failure);

/// <summary>A durable object, as the process that has it tells.</summary>
/// <param name="Id">64 hexadecimal digits.</param>
/// <param name="Name">By which its id was made; null when it was not made of a name.</param>
/// <param name="File">Its files' names begin so.</param>
/// <param name="Made">When it was first called, milliseconds since 1970.</param>
/// <param name="Alarm">When it wants to be woken; null for never.</param>
/// <param name="Failure">How its last alarm failed; null when it did not.</param>
internal sealed record ObjectEntry(string Id, string? Name, string File, double Made, double? Alarm, string? Failure);

/// <summary>The objects of a namespace.</summary>
/// <param name="Ns">Its key.</param>
/// <param name="Objects">How many there are.</param>
/// <param name="Alarms">How many of them want to be woken.</param>
internal sealed record ObjectCount(string Ns, long Objects, long Alarms);

/// <summary>Talks to a compute server's dispatcher over its admin socket.</summary>
internal sealed class AdminClient(SocketsHttpHandler way) : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly HttpMessageInvoker _http = new(way);

    public AdminClient(string socket) : this(UnixHttp.Handler(socket)) { }

    /// <summary>Whether it answers.</summary>
    /// <exception cref="HttpRequestException">It does not listen, or ended.</exception>
    public async Task PingAsync(CancellationToken cancellation) => await GetAsync("ping", cancellation);

    /// <summary>All versions that it was asked for.</summary>
    public async Task<IReadOnlyList<IsolateInfo>> ListAsync(CancellationToken cancellation) =>
        JsonSerializer.Deserialize<List<IsolateInfo>>((await GetAsync("list", cancellation)).Body, Json)!;

    /// <summary>Loads a version; null, or why it cannot be loaded.</summary>
    public async Task<string?> LoadAsync(string key, CancellationToken cancellation) =>
        await GetAsync("load?key=" + Uri.EscapeDataString(key), cancellation) is { Status: not 200 } refused ? refused.Body : null;

    /// <summary>Unloads a version.</summary>
    public Task EvictAsync(string key, CancellationToken cancellation) => GetAsync("evict?key=" + Uri.EscapeDataString(key), cancellation);

    /// <summary>Calls <c>scheduled()</c>; says how it ended.</summary>
    public async Task<string> ScheduledAsync(string key, string cron, DateTimeOffset at, CancellationToken cancellation)
    {
        var (status, body) = await GetAsync($"scheduled?key={Uri.EscapeDataString(key)}&cron={Uri.EscapeDataString(cron)}&at={at.ToUnixTimeMilliseconds()}", cancellation);
        return status == 200 ? JsonDocument.Parse(body).RootElement.GetProperty("outcome").GetString() ?? "unknown" : "exception";
    }

    /// <summary>When the durable objects in it want to be woken next, after it has looked for what is due; null for never.</summary>
    public async Task<DateTimeOffset?> NextAlarmAsync(CancellationToken cancellation) =>
        (await GetAsync("objects/next", cancellation)) is { Status: 200, Body: var body } && double.TryParse(body, System.Globalization.CultureInfo.InvariantCulture, out var at) ? DateTimeOffset.FromUnixTimeMilliseconds((long)at) : null;

    /// <summary>Calls <c>queue()</c>; says what became of its messages.</summary>
    public async Task<QueueVerdict> QueueAsync(string key, MessageBatch batch, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://admin/queue?key={Uri.EscapeDataString(key)}&queue={Uri.EscapeDataString(batch.Queue)}") { Content = new ByteArrayContent(BatchFormat.Pack(batch)) };
        using var response = await _http.SendAsync(request, cancellation);
        var body = await response.Content.ReadAsStringAsync(cancellation);
        return (int)response.StatusCode == 200 ? BatchFormat.Read(body) : QueueVerdict.Failed("exception");
    }

    /// <summary>Objects of a namespace by their ids, beginning after one.</summary>
    public async Task<IReadOnlyList<ObjectEntry>> ObjectsAsync(string key, string after, int limit, CancellationToken cancellation) =>
        JsonSerializer.Deserialize<List<ObjectEntry>>(Good(await GetAsync($"objects/list?ns={Uri.EscapeDataString(key)}&after={Uri.EscapeDataString(after)}&limit={limit}", cancellation)), Json)!;

    /// <summary>How many objects each namespace has.</summary>
    public async Task<IReadOnlyList<ObjectCount>> ObjectCountsAsync(CancellationToken cancellation) =>
        JsonSerializer.Deserialize<List<ObjectCount>>(Good(await GetAsync("objects/counts", cancellation)), Json)!;

    /// <summary>Removes an object with what it stored; false when there is none.</summary>
    public async Task<bool> RemoveObjectAsync(string key, string id, CancellationToken cancellation) =>
        Good(await GetAsync($"objects/remove?ns={Uri.EscapeDataString(key)}&id={Uri.EscapeDataString(id)}", cancellation)) == "true";

    private static string Good((int Status, string Body) answer) => answer.Status == 200 ? answer.Body : throw new HttpRequestException(answer.Body);

    public void Dispose() => _http.Dispose();

    private async Task<(int Status, string Body)> GetAsync(string path, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://admin/" + path);
        using var response = await _http.SendAsync(request, cancellation);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellation));
    }
}

/// <summary>HTTP over a unix socket.</summary>
internal static class UnixHttp
{
    public static SocketsHttpHandler Handler(string path) => new()
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null,
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };
}
