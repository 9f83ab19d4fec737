using System.Buffers;
using System.IO.Pipelines;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>The visitor's body is larger than the worker takes.</summary>
internal sealed class RequestTooLargeException() : Exception("The request's body is larger than the worker's limit.");

/// <summary>Carries a visitor's body to a compute server while its answer may already come back.</summary>
internal static class BodyPump
{
    private const int Piece = 16 << 10;

    /// <summary>Sends all of it.</summary>
    /// <param name="from">The visitor's body.</param>
    /// <param name="to">The request's head was sent on it; its buffer is free for chunks now.</param>
    /// <param name="chunked">Whether its length was not announced.</param>
    /// <param name="most">Bytes that the worker takes.</param>
    /// <returns>Null when all was sent; else what kept it. When it is the visitor's fault, the request is cut.</returns>
    public static async Task<Exception?> RunAsync(PipeReader from, UpstreamConnection to, bool chunked, long most)
    {
        try
        {
            long all = 0;
            while (true)
            {
                var read = await from.ReadAsync();
                if (read.IsCanceled) return new OperationCanceledException();
                all += read.Buffer.Length;
                if (all > most) throw new RequestTooLargeException();
                foreach (var part in read.Buffer) await SendAsync(to, part, chunked);
                from.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) break;
            }
            if (chunked) await to.SendAsync(LastChunk);
            return null;
        }
        catch (UpstreamException e)
        {
            // The answer may be there already, or says more.
            return e;
        }
        catch (Exception e)
        {
            to.CutOff(Cut.Visitor);
            return e;
        }
    }

    private static readonly byte[] LastChunk = "0\r\n\r\n"u8.ToArray();

    private static async ValueTask SendAsync(UpstreamConnection to, ReadOnlyMemory<byte> part, bool chunked)
    {
        if (!chunked)
        {
            await to.SendAsync(part);
            return;
        }
        while (part.Length > 0)
        {
            var piece = part[..Math.Min(Piece, part.Length)];
            to.Out.Clear();
            to.Out.Add(piece.Length.ToString("x", System.Globalization.CultureInfo.InvariantCulture));
            to.Out.Add("\r\n"u8);
            to.Out.Add(piece.Span);
            to.Out.Add("\r\n"u8);
            await to.SendAsync(to.Out.Written);
            part = part[piece.Length..];
        }
    }
}
