using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>Queues for workers that send.</summary>
/// <remarks><c>{queue}/send</c>: POST; four bytes with the head's length, little-endian, the head <c>[{type,size,delay?}]</c>, then the bodies. <c>{queue}/metrics</c>: GET.</remarks>
internal sealed class QueueBinding(QueueSender sender, QueueStore queues) : IBindingService
{
    private const int MostHead = 64 << 10, MostSent = QueueSender.MostTogether + MostHead;
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public string Kind => "queue";

    public async ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation)
    {
        if (call.Path.Split('/') is not [var escaped, var what]) return BindingReply.NotFound;
        var queue = Uri.UnescapeDataString(escaped);
        return (what, call.Method) switch
        {
            ("send", "POST") => await SendAsync(queue, call.Body, cancellation),
            ("metrics", "GET") => await MetricsAsync(queue, cancellation),
            _ => BindingReply.NotFound,
        };
    }

    private async Task<BindingReply> SendAsync(string queue, Stream body, CancellationToken cancellation)
    {
        if (await ReadAsync(body, cancellation) is not { } sent) return BindingReply.Of($"More than {QueueSender.MostTogether} bytes at once.", 413);
        if (Unpack(sent) is not { } messages) return BindingReply.Of("The messages cannot be read.", 400);
        if ((await sender.SendAsync(queue, messages, cancellation)).Problem is not { } problem) return new BindingReply(204);
        return problem.Kind switch
        {
            ProblemKind.NotFound => BindingReply.Of($"The queue '{queue}' was deleted.", 404),
            ProblemKind.Conflict => BindingReply.Of(problem.Detail, 429),
            _ => BindingReply.Of(string.Join(" ", problem.Errors.Select(e => $"{e.Field}: {e.Message} {e.Remedy}")), 400),
        };
    }

    private async Task<BindingReply> MetricsAsync(string queue, CancellationToken cancellation) => await queues.FindAsync(queue, cancellation) is not { } row ? BindingReply.NotFound
        : BindingReply.Of(new JsonObject { ["backlogCount"] = row.Messages, ["backlogBytes"] = row.Bytes, ["oldestMessageTimestamp"] = row.OldestAt?.ToUnixTimeMilliseconds() }.ToJsonString());

    private static IReadOnlyList<NewMessage>? Unpack(ReadOnlyMemory<byte> sent)
    {
        if (sent.Length < 4 || BinaryPrimitives.ReadInt32LittleEndian(sent.Span) is not (var length and >= 2 and <= MostHead) || sent.Length < 4 + length) return null;
        try
        {
            var heads = JsonSerializer.Deserialize<List<Head>>(sent.Span.Slice(4, length), Json) ?? [];
            var at = 4 + length;
            var messages = new List<NewMessage>(heads.Count);
            foreach (var head in heads)
            {
                if (head.Size < 0 || head.Size > sent.Length - at) return null;
                messages.Add(new NewMessage(head.Type ?? QueueContent.Json, sent.Slice(at, head.Size).ToArray(), head.Delay));
                at += head.Size;
            }
            return at == sent.Length ? messages : null;
        }
        catch (JsonException) { return null; }
    }

    /// <summary>All that is sent; null when it is too much, of which as much again is read: an answer that overtakes a body breaks its connection.</summary>
    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(Stream body, CancellationToken cancellation)
    {
        var bytes = new MemoryStream();
        var part = new byte[32 << 10];
        long length = 0;
        while (await body.ReadAsync(part, cancellation) is var read and > 0 && (length += read) <= 64 * MostSent)
            if (length <= MostSent) bytes.Write(part.AsSpan(0, read));
        return length > MostSent ? null : bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }

    private sealed record Head(string? Type, int Size, int? Delay);
}
