using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Quarterdeck.Platform.Processes;

/// <summary>A program and everything it started that stayed in its process group.</summary>
internal sealed partial class ProcessGroup(Process leader)
{
    private const int SigTerm = 15;
    private const int SigKill = 9;

    private readonly int _id = leader.Id;

    /// <summary>SIGTERM, then SIGKILL after <paramref name="grace"/>; returns when the leader is reaped and no member runs. Cheap when all ended by themselves.</summary>
    public async Task EndAsync(TimeSpan grace)
    {
        if (!End(SigTerm) && leader.HasExited) return;
        var deadline = Stopwatch.GetTimestamp() + (long)(grace.TotalSeconds * Stopwatch.Frequency);
        for (var wait = 1; Alive(); wait = Math.Min(wait * 2, 50))
        {
            if (Stopwatch.GetTimestamp() >= deadline) End(SigKill);
            await Task.Delay(wait);
        }
        await leader.WaitForExitAsync();
    }

    /// <summary>SIGKILL to all members.</summary>
    public void Kill() => End(SigKill);

    // A program just forked has not made its group yet: until setsid has run the signal finds it only by its own id.
    private bool End(int signal) => Signal(signal) || (!leader.HasExited && (Kill(_id, signal) == 0) | Signal(signal));

    // kill(-group) finds nobody once the last member is reaped. A member that is dead but not reaped by its own parent would count for ever.
    private bool Alive() => !leader.HasExited || (Signal(0) && ProcessTable.GroupRuns(_id));

    private bool Signal(int signal) => Kill(-_id, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
