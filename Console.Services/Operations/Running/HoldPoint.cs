using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Quarterdeck.Operations.Running;

/// <summary>Makes an operation stand still at one point of one step, so that a fault test can kill the process exactly there. Off unless <see cref="OperationsOptions.HoldAt"/> is set.</summary>
internal sealed partial class HoldPoint(IOptions<OperationsOptions> options, ILogger<HoldPoint> logger)
{
    /// <summary>Nothing of the step is done.</summary>
    public const string Begin = "begin";

    /// <summary>All of the step is done, and nothing of that is stored yet.</summary>
    public const string End = "end";

    /// <summary>In the place of a step's key: what was made is removed.</summary>
    public const string Undo = "undo";

    /// <summary>Waits for ever if this is the point; only after as many restarts as it says, so that a restarted console goes on.</summary>
    public async Task ReachedAsync(OperationRun run, string step, string moment)
    {
        if (options.Value.HoldAt is not { } point) return;
        if (point != $"{run.Row.Kind}/{step}@{moment}{(run.Row.Crashes == 0 ? "" : $"+{run.Row.Crashes}")}") return;
        Log.Held(logger, point);
        await Task.Delay(Timeout.Infinite, run.Token);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Held at {Point}, as the setting Quarterdeck:Operations:HoldAt says: it goes on after a restart")]
        public static partial void Held(ILogger logger, string point);
    }
}
