using System.Text.Json;

namespace Quarterdeck.Workers;

/// <summary>What a name in a worker's <c>env</c> stands for; <see cref="WorkerBinding.Value"/> has the shape that is told here.</summary>
public enum BindingKind
{
    /// <summary>A string.</summary>
    Plain,
    /// <summary>A string that only the worker reads: encrypted at rest, null wherever people look.</summary>
    Secret,
    /// <summary>Any JSON value.</summary>
    Json,
    /// <summary><c>{"namespace":"name"}</c>: key-value store.</summary>
    Kv,
    /// <summary><c>{"worker":"name","entrypoint":"Class"?}</c>: another worker.</summary>
    Service,
    /// <summary><c>{"class":"Name","worker":"name"?}</c>: durable objects of a class that the worker, or another one, exports.</summary>
    DurableObject,
    /// <summary><c>{"queue":"name"}</c>: sends into a queue.</summary>
    Queue,
    /// <summary><c>{"bucket":"name"}</c>: object storage.</summary>
    Bucket,
    /// <summary><c>{}</c>: the version's static assets.</summary>
    Assets,
    /// <summary><c>{}</c>: <c>{id, tag, timestamp}</c> of the version that runs.</summary>
    VersionMetadata,
}

/// <summary>A name in a worker's <c>env</c>.</summary>
/// <param name="Name">A JavaScript identifier.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Value">Shaped as <see cref="BindingKind"/> tells. A secret's is JSON null except in <see cref="WorkerCode"/>.</param>
public sealed record WorkerBinding(string Name, BindingKind Kind, JsonElement Value);

/// <summary>What starts a worker besides requests.</summary>
/// <param name="Crons">Rules of crontab(5), UTC, at which <c>scheduled()</c> is called.</param>
/// <param name="Queues">Queues whose messages <c>queue()</c> consumes.</param>
public sealed record WorkerTriggers(IReadOnlyList<string> Crons, IReadOnlyList<QueueConsumer> Queues)
{
    /// <summary>Requests only.</summary>
    public static WorkerTriggers None { get; } = new([], []);
}

/// <summary>How a worker consumes a queue.</summary>
/// <param name="Queue">The queue's name.</param>
/// <param name="MaxBatchSize">Most messages of one call, 1 to 100.</param>
/// <param name="MaxBatchTimeoutSeconds">Longest wait for a batch to fill, 0 to 60.</param>
/// <param name="MaxRetries">How often a message is tried again, 0 to 100.</param>
/// <param name="DeadLetterQueue">Where a message goes after that; null to drop it.</param>
/// <param name="MaxConcurrency">Most calls at once over all nodes, 1 to 250; null for <see cref="UsualConcurrency"/>.</param>
/// <param name="RetryDelaySeconds">After how long a message is tried again unless the handler says otherwise, 0 to 86,400.</param>
public sealed record QueueConsumer(
    string Queue, int MaxBatchSize = 10, int MaxBatchTimeoutSeconds = 5, int MaxRetries = 3, string? DeadLetterQueue = null, int? MaxConcurrency = null, int RetryDelaySeconds = 0)
{
    /// <summary>Calls at once where nothing was said.</summary>
    public const int UsualConcurrency = 10;

    internal int Calls => MaxConcurrency ?? UsualConcurrency;
}
