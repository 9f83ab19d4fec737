using Microsoft.Extensions.Options;

namespace Quarterdeck.Operations;

/// <summary>Settings of operations, section <c>Quarterdeck:Operations</c>.</summary>
public sealed record OperationsOptions
{
    /// <summary>Operations that run at once on this node.</summary>
    public int Parallel { get; set; } = 16;

    /// <summary>How often a node says that it lives, and looks for cancellations from other nodes.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A node silent for this long is taken for dead.</summary>
    public TimeSpan DeadAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often it is looked for what a crash left between two steps of bookkeeping, such as a queued operation that the job engine was never told of.</summary>
    public TimeSpan SweepEvery { get; set; } = TimeSpan.FromSeconds(5);

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

    /// <summary>For fault tests: an operation stands still at this point, written <c>kind/step@begin</c> or <c>kind/step@end</c> (the step <c>undo</c> stands for removing what was made), until the console is killed or stopped; with <c>+N</c> behind it the attempt after N deaths of the console; null, and off, unless set.</summary>
    public string? HoldAt { get; set; }

    /// <summary>This node's name; unique among the nodes of a database; null to derive it from the machine's name.</summary>
    public string? Node { get; set; }
}

internal sealed class OperationsOptionsValidator : IValidateOptions<OperationsOptions>
{
    public ValidateOptionsResult Validate(string? name, OperationsOptions options)
    {
        List<string> wrong = [];
        void Check(bool holds, string key, string text, string example)
        {
            if (!holds) wrong.Add($"Quarterdeck:Operations:{key} {text}. Example: Quarterdeck__Operations__{key}={example}");
        }
        Check(options.Parallel is >= 1 and <= 500, nameof(options.Parallel), "must be 1 to 500", "16");
        Check(options.Heartbeat >= TimeSpan.FromMilliseconds(50), nameof(options.Heartbeat), "must be at least 50 ms", "00:00:01");
        Check(options.DeadAfter >= options.Heartbeat * 3, nameof(options.DeadAfter), "must be at least three heartbeats, or a slow node is taken for dead", "00:00:10");
        Check(options.SweepEvery >= TimeSpan.FromMilliseconds(100), nameof(options.SweepEvery), "must be at least 100 ms", "00:00:05");
        Check(options.Backoff > TimeSpan.Zero && options.MaxBackoff >= options.Backoff, nameof(options.MaxBackoff), "must not be less than Backoff, and both more than zero", "00:05:00");
        Check(options.ProgressEvery >= TimeSpan.FromMilliseconds(20), nameof(options.ProgressEvery), "must be at least 20 ms", "00:00:00.4");
        Check(options.RetentionDays >= 1, nameof(options.RetentionDays), "must be at least 1", "90");
        Check(options.RetentionCount >= 1, nameof(options.RetentionCount), "must be at least 1", "100000");
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }
}
