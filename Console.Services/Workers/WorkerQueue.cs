namespace Quarterdeck.Workers;

/// <summary>Whether messages of a queue are handed out.</summary>
public enum QueueState
{
    /// <summary>They are.</summary>
    Flowing,
    /// <summary>Somebody paused it: messages are taken in and wait.</summary>
    Paused,
    /// <summary>No deployed worker consumes it.</summary>
    Unconsumed,
    /// <summary>Its consumer is switched off.</summary>
    ConsumerOff,
}

/// <summary>A queue with what it holds now.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">Whether messages are handed out.</param>
/// <param name="Messages">All that it holds.</param>
/// <param name="Bytes">Their bodies' bytes.</param>
/// <param name="InFlight">Of these, messages that a call has.</param>
/// <param name="Delayed">Of these, messages that wait for their time.</param>
/// <param name="Failed">Of these, messages whose last attempt failed: they are tried again until their retries are used up.</param>
/// <param name="OldestAt">When the oldest was sent; null while it is empty.</param>
/// <param name="Consumer">The worker that consumes it; null for none.</param>
/// <param name="Settings">How it consumes; null without a consumer.</param>
/// <param name="DeadLettersOf">Queues that give up into this one.</param>
/// <param name="DelaySeconds">Delay of messages that are sent without one of their own.</param>
/// <param name="RetentionSeconds">How long a message is kept.</param>
/// <param name="CreatedAt">Since when it is there.</param>
public sealed record WorkerQueue(
    string Name, QueueState State, long Messages, long Bytes, long InFlight, long Delayed, long Failed, DateTimeOffset? OldestAt, string? Consumer, QueueConsumer? Settings, IReadOnlyList<string> DeadLettersOf,
    int DelaySeconds, int RetentionSeconds, DateTimeOffset CreatedAt);

/// <summary>Settings of a queue; what is null stays as it is, or has its default in a new one.</summary>
/// <param name="Paused">Whether messages wait.</param>
/// <param name="DelaySeconds">Delay of messages that are sent without one of their own, 0 to 86,400; 0 unless set.</param>
/// <param name="RetentionSeconds">How long a message is kept, 60 to 1,209,600; four days unless set.</param>
public sealed record QueueSettings(bool? Paused = null, int? DelaySeconds = null, int? RetentionSeconds = null);

/// <summary>A message to send from outside.</summary>
/// <param name="Body">Any JSON value; a text for the content type <c>text</c>, base 64 for <c>bytes</c>.</param>
/// <param name="ContentType"><c>json</c>, <c>text</c> or <c>bytes</c>.</param>
/// <param name="DelaySeconds">Not handed out before, 0 to 86,400; null for the queue's own delay.</param>
public sealed record SentMessage(System.Text.Json.JsonElement Body, string ContentType = "json", int? DelaySeconds = null);

/// <summary>Where a message is.</summary>
public enum MessageState
{
    /// <summary>Its turn comes.</summary>
    Waiting,
    /// <summary>Its turn comes later.</summary>
    Delayed,
    /// <summary>A call has it.</summary>
    InFlight,
}

/// <summary>A message of a queue, to be looked at.</summary>
/// <param name="Id">Its id, as its consumer sees it.</param>
/// <param name="State">Where it is.</param>
/// <param name="ContentType"><c>json</c>, <c>text</c>, <c>bytes</c> or <c>v8</c>.</param>
/// <param name="Bytes">Size of its body.</param>
/// <param name="Body">The first 2 KiB as text; of bytes as base 64.</param>
/// <param name="SentAt">When it was sent.</param>
/// <param name="DueAt">When it is handed out, or when the call that has it has lost it.</param>
/// <param name="Attempts">How often it was handed out.</param>
/// <param name="Failure">How the last attempt ended; null before.</param>
/// <param name="Origin">For a dead letter: the queue that gave it up.</param>
public sealed record QueuedMessage(string Id, MessageState State, string ContentType, int Bytes, string Body, DateTimeOffset SentAt, DateTimeOffset DueAt, int Attempts, string? Failure, string? Origin);
