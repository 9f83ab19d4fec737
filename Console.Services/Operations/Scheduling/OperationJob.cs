using Quarterdeck.Operations.Running;
using Quartz;

namespace Quarterdeck.Operations.Scheduling;

/// <summary>The only job: runs the operation that its trigger is named after.</summary>
internal sealed class OperationJob(OperationRunner runner) : IJob
{
    public const string Group = "operations";

    public static JobKey Key { get; } = new("run", Group);

    /// <summary>A name for each time an operation is queued: telling twice finds the same trigger, and the next attempt has another one.</summary>
    public static TriggerKey TriggerOf(Store.Ready ready) => new($"{ready.Id}.{ready.Attempt}", Group);

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) =>
        // Not the engine's token: how a run stops is decided by this room, not by an interrupted job.
        await runner.RunAsync(Guid.Parse(context.Trigger.Key.Name.AsSpan(0, 36)), CancellationToken.None);
}
