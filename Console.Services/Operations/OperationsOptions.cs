namespace Quarterdeck.Operations;

/// <summary>Settings of operations, section <c>Quarterdeck:Operations</c>.</summary>
public sealed record OperationsOptions
{
    /// <summary>Operations that run at once on this node.</summary>
    public int Parallel { get; set; } = 16;

    /// <summary>How often a node says that it lives.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>A node silent for this long is taken for dead.</summary>
    public TimeSpan DeadAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The wait before the second attempt after a failure that may pass; doubles with each one.</summary>
    public TimeSpan Backoff { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest wait between attempts.</summary>
    public TimeSpan MaxBackoff { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long the bookkeeping of a running operation waits for a database that is away.</summary>
    public TimeSpan DatabasePatience { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Shortest time between two stored progress values of one operation.</summary>
    public TimeSpan ProgressEvery { get; set; } = TimeSpan.FromMilliseconds(400);

    /// <summary>Ended operations older than this are removed.</summary>
    public int RetentionDays { get; set; } = 90;

    /// <summary>At most so many ended operations are kept.</summary>
    public int RetentionCount { get; set; } = 100_000;

    /// <summary>How long running operations get to end or to hand themselves back at shutdown.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>This node's name; null for the machine's name and the process's number.</summary>
    public string? Node { get; set; }
}
