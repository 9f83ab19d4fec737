using System.Buffers;
using System.Net;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>A browser's request body on its way to the guest, piece by piece as it comes. The guest may answer before it ends.</summary>
internal sealed class RequestBody(Stream body, long? length, Action moved) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) => CopyAsync(body, stream, moved, cancellationToken);

    protected override bool TryComputeLength(out long known)
    {
        known = length ?? 0;
        return length is not null;
    }

    /// <summary>Copies with one buffer and sends each piece on at once.</summary>
    public static async Task CopyAsync(Stream from, Stream to, Action? moved, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            for (int count; (count = await from.ReadAsync(buffer, cancellation)) > 0;)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), cancellation);
                await to.FlushAsync(cancellation);
                moved?.Invoke();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
