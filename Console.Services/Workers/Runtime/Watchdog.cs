using System.Diagnostics;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Pings a compute server. One that burns CPU without answering runs somebody's endless loop; one that waits for its share of a busy machine does not.</summary>
internal sealed class Watchdog(ServerParts parts, ServerProcess server, RunningProcess process, AdminClient admin, GuardView? guard, SemaphoreSlim look)
{
    // With the guard in the process, loops end there; what gets as far as this is code that cannot be interrupted, for which the guard gives it half a second more.
    private const int GuardGraceMs = 700;

    private const int MostBefore = 16, OtherTurnMs = 25;

    // A slow start is told better by how long it took, and nobody waits behind it.
    private const int CheckMs = 500;

    /// <summary>Follows until the process ends (null) or must be killed (the reason).</summary>
    public async Task<string?> FollowAsync(CancellationToken cancellation)
    {
        try
        {
            while (!process.Exited.IsCompleted)
            {
                var (alive, cpu, answers) = (Stopwatch.GetTimestamp(), ProcessUse.Cpu(process.Id), server.InFlight.Answers);
                var ping = PingAsync(cancellation);
                while (!ping.IsCompleted)
                {
                    await Task.WhenAny(ping, process.Exited, Task.Delay(20, cancellation));
                    cancellation.ThrowIfCancellationRequested();
                    if (process.Exited.IsCompleted) return null;
                    // Behind many short turns a ping waits long, but then others are answered.
                    if (server.InFlight.Answers is var now && now != answers) (alive, cpu, answers) = (Stopwatch.GetTimestamp(), ProcessUse.Cpu(process.Id), now);
                    if (!ping.IsCompleted && Verdict(Stopwatch.GetElapsedTime(alive), cpu) is { } verdict) return verdict;
                }
                // A refused connection is the end of the process, of which its exit tells.
                if (!await ping) await Task.WhenAny(process.Exited, Task.Delay(50, cancellation));
                await LookAsync(cancellation);
            }
        }
        catch (OperationCanceledException) { }
        return null;
    }

    // Until the next turn, or until somebody asks, or the process ends.
    private async Task LookAsync(CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(look.WaitAsync(parts.Options.PingMs, over.Token), process.Exited);
        await over.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
    }

    private string? Verdict(TimeSpan waited, double? cpuAtAsk)
    {
        if (waited > TimeSpan.FromSeconds(parts.Options.SilentSeconds)) return $"It did not answer for {waited.TotalSeconds:0} s.";
        if (ProcessUse.Cpu(process.Id) is not { } now || cpuAtAsk is not { } then) return null;
        var allowed = Allowed(server.IsCheck ? CheckMs : parts.Options.StuckMs, server.InFlight.Count, LongestTurn(), guard is { IsActive: true });
        var used = (now - then) * 1000;
        return used >= allowed && waited.TotalMilliseconds >= allowed ? $"It used {used:0} ms of CPU without answering." : null;
    }

    /// <summary>CPU milliseconds without an answer that are no sign of an endless turn: the longest one, and one of each other request that may stand before the ping.</summary>
    public static int Allowed(int stuckMs, int requests, int longestTurn, bool guarded) => stuckMs + longestTurn + (Math.Clamp(requests - 1, 0, MostBefore) * OtherTurnMs) + (guarded ? GuardGraceMs : 0);

    // A version that may compute for 10 s at a stretch must not be killed after one, as long as it has a request; one that was just handed out is starting.
    private int LongestTurn()
    {
        var longest = Math.Max(WorkerLimits.Usual.CpuMs, server.StartingMs);
        foreach (var (key, _) in server.InFlight.Snapshot())
            if (parts.Packages.LimitsOf(key) is { } limits) longest = Math.Max(longest, limits.CpuMs);
        return longest;
    }

    private async Task<bool> PingAsync(CancellationToken cancellation)
    {
        try
        {
            await admin.PingAsync(cancellation);
            return true;
        }
        catch (HttpRequestException) { return false; }
    }
}
