using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Quarterdeck.Verification.Trial;

/// <summary>Asks a port of the guest for bytes.</summary>
internal static class PortAsk
{
    private const int Most = 4096;
    private static readonly TimeSpan Listen = TimeSpan.FromSeconds(2), Answer = TimeSpan.FromSeconds(10);

    /// <summary>The first bytes that came; null for none. The forwarder takes the connection whether or not the guest listens, so only bytes count.</summary>
    public static async Task<string?> FirstBytesAsync(int port, PortCheck check, CancellationToken cancellation)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellation).AsTask().WaitAsync(Answer, cancellation);
            var buffer = new byte[Most];
            var got = 0;
            // Many services greet first; the others are asked, by default as a web server would be.
            if (check.Send is null) got = await ReceiveAsync(socket, buffer, 0, Listen, cancellation);
            if (got == 0)
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes(check.Send ?? "HEAD / HTTP/1.0\r\n\r\n"), cancellation);
                got = await ReceiveAsync(socket, buffer, 0, Answer, cancellation);
            }
            while (check.Expect is { } expected && got is > 0 and < Most && !Text(buffer, got).Contains(expected, StringComparison.Ordinal))
                if (await ReceiveAsync(socket, buffer, got, Listen, cancellation) is var more and > 0) got += more;
                else break;
            return got == 0 ? null : Text(buffer, got);
        }
        catch (Exception e) when (e is SocketException or TimeoutException) { return null; }
    }

    private static async Task<int> ReceiveAsync(Socket socket, byte[] buffer, int at, TimeSpan patience, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        try { return await socket.ReceiveAsync(buffer.AsMemory(at), limit.Token); }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { return 0; }
    }

    private static string Text(byte[] buffer, int length) => Encoding.Latin1.GetString(buffer, 0, length);
}
