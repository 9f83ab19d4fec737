using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>A web socket: bytes both ways, until one end closes.</summary>
internal static class Tunnel
{
    private const int Piece = 16 << 10;

    public static async Task RunAsync(Stream visitor, UpstreamConnection worker, CancellationToken gone)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(gone);
        var ways = new[] { UpAsync(visitor, worker, over.Token), DownAsync(worker, visitor, over.Token) };
        await Task.WhenAny(ways);
        worker.CutOff(Cut.Visitor);
        await over.CancelAsync();
        await Task.WhenAll(ways);
    }

    private static async Task UpAsync(Stream from, UpstreamConnection to, CancellationToken cancellation)
    {
        var piece = new byte[Piece];
        try
        {
            for (int count; (count = await from.ReadAsync(piece, cancellation)) > 0;) await to.SendAsync(piece.AsMemory(0, count));
        }
        catch (Exception e) when (e is UpstreamException or IOException or OperationCanceledException) { }
    }

    private static async Task DownAsync(UpstreamConnection from, Stream to, CancellationToken cancellation)
    {
        try
        {
            do
            {
                if (from.Received.Length == 0) continue;
                await to.WriteAsync(from.Received.ToArray(), cancellation);
                await to.FlushAsync(cancellation);
                from.Consume(from.Received.Length);
            }
            while (await from.ReceiveAsync() > 0);
        }
        catch (Exception e) when (e is UpstreamException or IOException or OperationCanceledException or ObjectDisposedException) { }
    }
}
