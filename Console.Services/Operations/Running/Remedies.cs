using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Running;

/// <summary>What people read when an operation did not go well: what happened, and what to do.</summary>
internal static class Remedies
{
    public static Problem Lost(OperationRow row, string? node) => Problem.Unavailable("Its node stopped",
        $"'{row.Title}' of {row.TargetName} was running on {node ?? "a node"} when that stopped, and cannot go on from the middle. What it had made is removed. {(row.Attended ? "Send the request again." : "Use Retry to start it again.")}");

    public static Problem KeepsCrashing(OperationRow row) => Problem.Unavailable("Its node stopped again and again",
        $"'{row.Title}' of {row.TargetName} was resumed {row.Crashes} times, and each time its node stopped. What it had made is removed. Look into the console's log for the reason before a retry.");

    public static Problem Failed(Exception error, int tries) => error is TransientException
        ? Problem.Unavailable("Given up after several tries", $"{error.Message} Tried {tries} {(tries == 1 ? "time" : "times")}. Remove the cause, then use Retry.")
        : Problem.Unavailable("It failed unexpectedly", $"{error.Message} The console's log has more under the operation's id.");

    public static Problem Trying(Exception error, int tries, int most) =>
        Problem.Unavailable("Waiting for the next try", $"{error.Message} Try {tries} of {most} failed.");

    public static Problem LeftBehind(Exception error, IReadOnlyList<Note> notes) => Problem.Unavailable("Some of it is left",
        $"Removing what was made failed: {error.Message}{(notes.Count == 0 ? "" : $" Look for and remove: {string.Join(", ", notes.Select(n => $"{n.Kind} {n.Value}"))}.")}");
}
