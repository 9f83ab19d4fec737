using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>Takes messages in, from workers and from REST, within the documented limits; wakes the pump of this node.</summary>
internal sealed class QueueSender(MessageStore messages, QueueStore queues, IOptions<WorkersOptions> options, TimeProvider time)
{
    public const int MostMessage = 128_000, MostMessages = 100, MostTogether = 256 << 10, LongestDelay = 86_400;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, (long At, long Bytes)> _held = new();

    /// <summary>Raised after messages were stored.</summary>
    public event Action? Sent;

    /// <summary>Stores messages for good; what is wrong is told as the field of the message.</summary>
    /// <returns>Not found for a queue that was deleted; Conflict for one that is full.</returns>
    public async Task<Result<Done>> SendAsync(string queue, IReadOnlyList<NewMessage> wanted, CancellationToken cancellation)
    {
        if (wanted.Count is 0 or > MostMessages) return Problem.Invalid("messages", $"There are {wanted.Count}.", $"Send 1 to {MostMessages} at once.");
        if (wanted.Sum(m => (long)m.Body.Length) is var together and > MostTogether) return Problem.Invalid("messages", $"They have {together} bytes together.", $"Send at most {MostTogether} bytes at once.");
        for (var i = 0; i < wanted.Count; i++)
            if (Wrong(wanted[i]) is { } wrong) return Problem.Invalid([wrong with { Field = $"messages[{i}].{wrong.Field}" }]);
        var most = (long)options.Value.QueueMiB << 20;
        if (await HeldAsync(queue, cancellation) >= most) return Problem.Conflict("The queue is full", $"The queue '{queue}' holds {most >> 20} MiB. Let a worker consume it, purge it, or raise Quarterdeck__Workers__QueueMiB.");
        if (!await messages.SendAsync(queue, wanted, cancellation)) return Problem.NotFound("queue", queue);
        Sent?.Invoke();
        return Done.It;
    }

    /// <summary>Messages may be due.</summary>
    public void Wake() => Sent?.Invoke();

    private static FieldError? Wrong(NewMessage message)
    {
        if (!QueueContent.IsKnown(message.ContentType)) return new("contentType", $"There is no content type '{message.ContentType}'.", "Use json, text, bytes or v8.");
        if (message.Body.Length > MostMessage) return new("body", $"The message has {message.Body.Length} bytes, {MostMessage} are allowed.", "Put what is large into a bucket, and send its key.");
        if (message.DelaySeconds is < 0 or > LongestDelay) return new("delaySeconds", $"{message.DelaySeconds} is not between 0 and {LongestDelay}.", "Give seconds, at most a day.");
        // What could not be handed out is refused here, where the sender hears of it.
        try { StructuredValue.Of(message.ContentType, message.Body); }
        catch (FormatException e) { return new("body", e.Message, "Send JSON text, or the content type text or bytes."); }
        return null;
    }

    // A look now and then: some sends may go beyond what is allowed, by what fits into two seconds.
    private async Task<long> HeldAsync(string queue, CancellationToken cancellation)
    {
        if (_held.TryGetValue(queue, out var known) && time.GetElapsedTime(known.At) < Fresh) return known.Bytes;
        var bytes = await queues.BytesAsync(queue, cancellation);
        _held[queue] = (time.GetTimestamp(), bytes);
        return bytes;
    }
}
