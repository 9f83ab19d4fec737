using System.Net.Sockets;
using System.Text;

namespace Quarterdeck.Tests.Workers.Hostile;

/// <summary>Harm that a visitor does, by raw bytes on the front's port. None may touch the answers to others.</summary>
internal static class ClientAttacks
{
    /// <summary>By name; each takes the front's address and a host name that is served.</summary>
    public static IReadOnlyDictionary<string, Func<Uri, string, CancellationToken, Task>> All { get; } = new Dictionary<string, Func<Uri, string, CancellationToken, Task>>
    {
        ["slow-head"] = (front, host, cancellation) => SendSlowlyAsync(front, $"GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: " + new string('a', 20), cancellation),
        ["slow-body"] = (front, host, cancellation) => SendSlowlyAsync(front, $"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\nabcdefghij", cancellation),
        ["slow-reader"] = (front, host, cancellation) => SendAsync(front, string.Concat(Enumerable.Repeat($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n", 200)), read: false, cancellation),
        ["many-headers"] = (front, host, cancellation) => SendAsync(front, $"GET / HTTP/1.1\r\nHost: {host}\r\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"X-{i}: {i}\r\n")) + "\r\n", read: true, cancellation),
        ["huge-header"] = (front, host, cancellation) => SendAsync(front, $"GET / HTTP/1.1\r\nHost: {host}\r\nX: {new string('x', 1 << 20)}\r\n\r\n", read: true, cancellation),
        ["long-url"] = (front, host, cancellation) => SendAsync(front, $"GET /{new string('u', 200_000)} HTTP/1.1\r\nHost: {host}\r\n\r\n", read: true, cancellation),
        ["odd-url"] = (front, host, cancellation) => SendAsync(front, $"GET /%2e%2e/%00/..\\..//%c0%ae/?%%% HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", read: true, cancellation),
        ["smuggling"] = (front, host, cancellation) => SendAsync(front, $"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n", read: true, cancellation),
        ["two-hosts"] = (front, host, cancellation) => SendAsync(front, $"GET / HTTP/1.1\r\nHost: {host}\r\nHost: other.test\r\n\r\n", read: true, cancellation),
        ["no-http"] = (front, _, cancellation) => SendAsync(front, "\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n", read: true, cancellation),
        ["forged-headers"] = (front, host, cancellation) => SendAsync(
            front, $"GET / HTTP/1.1\r\nHost: {host}\r\nx-quarterdeck-worker: 1@1\r\nx-quarterdeck-tail: 1\r\nx-quarterdeck-outcome: ok\r\nConnection: close\r\n\r\n", read: true, cancellation),
        ["forged-connection-header"] = (front, host, cancellation) => SendAsync(
            front, $"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close, x-quarterdeck-worker\r\nX-Quarterdeck-Worker: 1@1\r\n\r\n", read: true, cancellation),
    };

    private static async Task SendAsync(Uri front, string bytes, bool read, CancellationToken cancellation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(front.Host, front.Port, cancellation);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(bytes), cancellation);
        if (read) await stream.ReadAtLeastAsync(new byte[12], 12, throwOnEndOfStream: false, cancellation);
        else await Task.Delay(3000, cancellation);
    }

    private static async Task SendSlowlyAsync(Uri front, string bytes, CancellationToken cancellation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(front.Host, front.Port, cancellation);
        foreach (var one in Encoding.Latin1.GetBytes(bytes))
        {
            await client.GetStream().WriteAsync(new[] { one }, cancellation);
            await Task.Delay(30, cancellation);
        }
    }
}
