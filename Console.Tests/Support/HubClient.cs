using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Quarterdeck.Tests.Support;

/// <summary>The hub's protocol by hand, as a client in any language would speak it: SignalR's JSON over one WebSocket without negotiation.</summary>
public sealed class HubClient : IAsyncDisposable
{
    private const byte End = 0x1e;
    private readonly ClientWebSocket _socket;
    private readonly MemoryStream _rest = new();

    private HubClient(ClientWebSocket socket) => _socket = socket;

    /// <summary>Connects and shakes hands.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="adjust">Sets headers: a token, a cookie, an origin.</param>
    /// <exception cref="WebSocketException">Refused; the message has the status.</exception>
    public static async Task<HubClient> ConnectAsync(TestConsole console, Action<ClientWebSocketOptions> adjust, string query = "")
    {
        var socket = new ClientWebSocket();
        adjust(socket.Options);
        await socket.ConnectAsync(new UriBuilder(console.Url) { Scheme = "ws", Path = "/hubs/live", Query = query }.Uri, new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        var client = new HubClient(socket);
        await client.SendAsync("""{"protocol":"json","version":1}""");
        (await client.ReadAsync()).EnumerateObject().ShouldBeEmpty();
        return client;
    }

    /// <summary>Subscribes; ends with an exception that carries the hub's refusal.</summary>
    public async IAsyncEnumerable<JsonElement> SubscribeAsync(string topic, object? filter = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await SendAsync(JsonSerializer.Serialize(new { type = 4, invocationId = "1", target = "Subscribe", arguments = new[] { topic, filter } }));
        while (true)
        {
            var message = await ReadAsync(cancellation);
            var type = message.GetProperty("type").GetInt32();
            if (type == 2) yield return message.GetProperty("item");
            else if (type == 3 && message.TryGetProperty("error", out var error)) throw new InvalidOperationException(error.GetString());
            else if (type is 3 or 7) yield break;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_socket.State is WebSocketState.Open) await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        _socket.Dispose();
        await _rest.DisposeAsync();
    }

    private async Task SendAsync(string json) =>
        await _socket.SendAsync((byte[])[.. Encoding.UTF8.GetBytes(json), End], WebSocketMessageType.Text, endOfMessage: true, default);

    private async Task<JsonElement> ReadAsync(CancellationToken cancellation = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var buffer = new byte[16 << 10];
        while (true)
        {
            var held = _rest.GetBuffer().AsSpan(0, (int)_rest.Length);
            if (held.IndexOf(End) is var at and >= 0)
            {
                var message = JsonSerializer.Deserialize<JsonElement>(held[..at]);
                var rest = held[(at + 1)..].ToArray();
                _rest.SetLength(0);
                _rest.Write(rest);
                return message;
            }
            var read = await _socket.ReceiveAsync(buffer, limit.Token);
            if (read.MessageType is WebSocketMessageType.Close) throw new WebSocketException("The hub closed the connection.");
            _rest.Write(buffer, 0, read.Count);
        }
    }
}
