namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>What a message's body may be.</summary>
internal static class QueueContent
{
    public const string Json = "json", Text = "text", Bytes = "bytes", V8 = "v8";

    public static bool IsKnown(string? type) => type is Json or Text or Bytes or V8;
}

/// <summary>A message to send.</summary>
/// <param name="ContentType">One of <see cref="QueueContent"/>.</param>
/// <param name="Body">Its bytes.</param>
/// <param name="DelaySeconds">Not handed out before; null for the queue's own delay.</param>
internal sealed record NewMessage(string ContentType, byte[] Body, int? DelaySeconds);

/// <summary>A message that a call has.</summary>
internal sealed record TakenMessage(Guid Id, string ContentType, byte[] Body, DateTimeOffset SentAt, int Attempts);

/// <summary>Messages that one call has, until its lease ends.</summary>
internal sealed record MessageBatch(string Queue, string Lease, IReadOnlyList<TakenMessage> Messages);

/// <summary>A message that is handed out again.</summary>
internal sealed record RetriedMessage(Guid Id, int? DelaySeconds);

/// <summary>What became of a call of <c>queue()</c>.</summary>
/// <param name="Outcome"><c>ok</c>, or the name of the failure such as <c>exception</c>.</param>
/// <param name="Acknowledged">Messages that the handler acknowledged one by one.</param>
/// <param name="Retried">Messages that it wants again.</param>
/// <param name="RetryAll">Whether it wants all others again.</param>
/// <param name="DelaySeconds">After how long; null for the consumer's own delay.</param>
internal sealed record QueueVerdict(string Outcome, IReadOnlyList<Guid> Acknowledged, IReadOnlyList<RetriedMessage> Retried, bool RetryAll, int? DelaySeconds)
{
    /// <summary>Nothing was said about any message.</summary>
    public static QueueVerdict Failed(string outcome) => new(outcome, [], [], true, null);
}

/// <summary>When the oldest message of a queue is due.</summary>
internal sealed record QueueTurn(string Queue, DateTimeOffset DueAt);
