using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>Carries a compute server's response to the visitor.</summary>
internal static class ResponseRelay
{
    private const int MostWaiting = 64 << 10;

    /// <summary>Status and headers.</summary>
    /// <returns>The dispatcher's word on a request that its worker did not answer; null when the worker did.</returns>
    public static string? Head(Exchange exchange, ResponseHead head, ReadOnlySpan<byte> bytes)
    {
        string? outcome = null;
        exchange.Response.StatusCode = head.Status;
        var headers = exchange.ResponseHeaders;
        foreach (var field in head.Fields)
        {
            var name = HeaderText.Name(bytes.Slice(field.NameAt, field.NameLength));
            var value = bytes.Slice(field.ValueAt, field.ValueLength);
            if (HeaderRules.StaysOut(name))
            {
                if (name.Equals("x-quarterdeck-outcome", StringComparison.OrdinalIgnoreCase)) outcome = HeaderText.Value(value);
                continue;
            }
            var text = HeaderText.Value(value);
            if (name.Length == 10 && name.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase) && HeaderRules.SetsOwnCookie(text)) continue;
            headers.Append(name, text);
        }
        if (exchange.SetCookie is { } sticky) headers.Append("Set-Cookie", sticky);
        if (head.Length >= 0 && head.Status is not (204 or 205 or 304)) headers.ContentLength = head.Length;
        return outcome;
    }

    /// <summary>The body, piece by piece as it comes.</summary>
    /// <param name="from">The head was read from it.</param>
    /// <param name="to">The answer; flushed whenever there is nothing more to send at once.</param>
    /// <param name="most">Bytes that the worker may send; 0 for no limit.</param>
    /// <exception cref="UpstreamException">It ended early, is damaged, or too large.</exception>
    /// <exception cref="OperationCanceledException">The visitor has gone.</exception>
    public static ValueTask BodyAsync(UpstreamConnection from, Exchange to, long most)
    {
        var framing = from.Head.Framing;
        if (framing is Framing.None) return ValueTask.CompletedTask;
        if (framing is Framing.Length && most > 0 && from.Head.Length > most) throw TooLarge();
        // what most answers are: short, and here already; the server sends head and body together when the request ends
        if (framing is Framing.Length && from.Received.Length >= from.Head.Length)
        {
            to.HasWritten = true;
            to.Body.Write(from.Received[..(int)from.Head.Length]);
            from.Consume((int)from.Head.Length);
            return ValueTask.CompletedTask;
        }
        return StreamAsync(from, to, framing, most == 0 ? long.MaxValue : most);
    }

    private static async ValueTask StreamAsync(UpstreamConnection from, Exchange exchange, Framing framing, long most)
    {
        var (chunks, to) = (new ChunkedBody(), exchange.Body);
        long left = framing is Framing.Length ? from.Head.Length : long.MaxValue, waiting = 0;
        while (true)
        {
            exchange.HasWritten |= from.Received.Length > 0;
            waiting += Take(from, to, framing, ref chunks, ref left, ref most);
            if (left == 0 || chunks.IsComplete) return;
            var receive = from.ReceiveAsync();
            if (!receive.IsCompleted || waiting >= MostWaiting)
            {
                // also without data: the visitor gets the head of a response whose body takes its time
                var flush = await FlushAsync(from, exchange, to);
                waiting = 0;
                if (flush.IsCompleted || flush.IsCanceled)
                {
                    from.CutOff(Cut.Visitor);
                    try { await receive; }
                    catch (UpstreamException) { }
                    throw new OperationCanceledException("The visitor has gone.");
                }
            }
            if (await receive != 0) continue;
            if (framing is Framing.UntilClose && from.Cut is Cut.None) return;
            throw new UpstreamException(UpstreamFault.Ended, "The response ended early.");
        }
    }

    private static ValueTask<FlushResult> FlushAsync(UpstreamConnection from, Exchange exchange, PipeWriter to)
    {
        var flush = to.FlushAsync();
        return flush.IsCompleted ? flush : WaitAsync(flush);

        // For whom does not read, the wall time counts as well.
        async ValueTask<FlushResult> WaitAsync(ValueTask<FlushResult> slow)
        {
            from.WaitsFor(exchange.Lifetime);
            try { return await slow; }
            finally { from.WaitsFor(null); }
        }
    }

    /// <summary>Hands on what was received; answers how much.</summary>
    private static int Take(UpstreamConnection from, PipeWriter to, Framing framing, ref ChunkedBody chunks, ref long left, ref long most)
    {
        var all = 0;
        while (from.Received.Length > 0 && left > 0 && !chunks.IsComplete)
        {
            var received = from.Received;
            var consumed = (int)Math.Min(received.Length, left);
            var data = framing is Framing.Chunked ? chunks.Next(received, out consumed) : received[..consumed];
            if ((most -= data.Length) < 0) throw TooLarge();
            if (framing is Framing.Length) left -= consumed;
            if (data.Length > 0) to.Write(data);
            all += data.Length;
            from.Consume(consumed);
        }
        return all;
    }

    private static UpstreamException TooLarge() => new(UpstreamFault.TooLarge, "The response is larger than the worker's limit.");
}
