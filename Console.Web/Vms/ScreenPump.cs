using System.Buffers;
using System.Net.WebSockets;

namespace Quarterdeck.Web.Vms;

/// <summary>Carries a VM's screen (RFB) between a browser's WebSocket and the hypervisor's stream, both ways, without looking into it.</summary>
internal static class ScreenPump
{
    private const int UpBytes = 16 * 1024, DownBytes = 64 * 1024;

    /// <summary>Runs until either side ends. The WebSocket is closed with a status; the stream is the caller's to dispose.</summary>
    public static async Task RunAsync(WebSocket socket, Stream screen, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var up = UpAsync(socket, screen, either.Token);
        var down = DownAsync(socket, screen, either.Token);
        var first = await Task.WhenAny(up, down);
        // a guest that powers off ends the stream; the page then asks again and is told that the VM is off
        var (status, reason) = first == down ? (WebSocketCloseStatus.NormalClosure, "The screen was closed by the hypervisor.")
            : cancellation.IsCancellationRequested ? (WebSocketCloseStatus.EndpointUnavailable, "The console is restarting.")
            : (WebSocketCloseStatus.NormalClosure, "");
        await CloseAsync(socket, status, reason);
        await either.CancelAsync();
        try { await Task.WhenAll(up, down); }
        catch (Exception e) when (IsEnd(e)) { /* the other direction was cut on purpose */ }
    }

    /// <summary>Closes with a status the page understands; a peer that is gone already is no error.</summary>
    public static async Task CloseAsync(WebSocket socket, WebSocketCloseStatus status, string reason)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try { await socket.CloseOutputAsync(status, Shorten(reason), patience.Token); }
        catch (Exception e) when (IsEnd(e)) { /* nobody listens any more */ }
    }

    private static async Task UpAsync(WebSocket socket, Stream screen, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(UpBytes);
        try
        {
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
                if (read.MessageType != WebSocketMessageType.Binary) return; // close, or a peer that does not speak RFB
                await screen.WriteAsync(buffer.AsMemory(0, read.Count), cancellation);
                await screen.FlushAsync(cancellation);
            }
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    private static async Task DownAsync(WebSocket socket, Stream screen, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(DownBytes);
        try
        {
            while (await screen.ReadAsync(buffer, cancellation) is var read and > 0)
                await socket.SendAsync(buffer.AsMemory(0, read), WebSocketMessageType.Binary, endOfMessage: true, cancellation);
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    private static bool IsEnd(Exception e) => e is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException;

    /// <summary>A close reason has room for 123 bytes of UTF-8.</summary>
    private static string Shorten(string reason)
    {
        const int room = 123;
        while (System.Text.Encoding.UTF8.GetByteCount(reason) > room) reason = reason[..^2].TrimEnd('…') + "…";
        return reason;
    }
}
