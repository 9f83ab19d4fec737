using System.Diagnostics;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Loads a candidate in a compute server that runs nothing else: code that hangs, crashes or eats memory hurts nobody. The process serves several checks of one worker, as long as all pass.</summary>
internal sealed class StartupCheck(ServerFleet fleet) : IStartupCheck
{
    // Workerd's own share of the CPU between sending the code and the answer, and the kernel's 10 ms steps.
    private const double OwnCpuMs = 60;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _atOnce = new(2);

    public async Task<Result<StartupReport>> CheckAsync(StartupCandidate candidate, CancellationToken cancellation)
    {
        if (fleet.Problem is { } missing) return Problem.Unavailable("No worker can run here", missing);
        var code = candidate.Code;
        if (code.Modules.Sum(m => (long)m.Content.Length) is var bytes && bytes > code.Limits.CodeBytes)
            return Problem.Invalid("modules", $"All modules together have {bytes} bytes, {code.Limits.CodeBytes} are allowed.", "Leave out what is not imported, or ask an administrator for more.");
        await _atOnce.WaitAsync(cancellation);
        try { return await TryAsync(candidate, cancellation); }
        finally { _atOnce.Release(); }
    }

    private async Task<Result<StartupReport>> TryAsync(StartupCandidate candidate, CancellationToken cancellation)
    {
        var (report, used) = await OnceAsync(candidate, fresh: false, cancellation);
        // Code that ran there before may be why: only a process of its own refuses it.
        return used && report.Problem is not null ? (await OnceAsync(candidate, fresh: true, cancellation)).Report : report;
    }

    private async Task<(Result<StartupReport> Report, bool Used)> OnceAsync(StartupCandidate candidate, bool fresh, CancellationToken cancellation)
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        soon.CancelAfter(Longest);
        var server = fleet.Checks.Take(candidate.Code.Key.Serial, candidate.Code.Limits, fresh);
        var used = server.Serial is not null;
        long? passed = null;
        try
        {
            var report = await TryAsync(server.Process, candidate, server.Offer(candidate.Code), soon.Token, cancellation);
            if (report.Problem is null) passed = candidate.Code.Key.Serial;
            return (report, used);
        }
        finally { fleet.Checks.GiveBack(server, passed); }
    }

    private static async Task<Result<StartupReport>> TryAsync(ServerProcess server, StartupCandidate candidate, WorkerKey version, CancellationToken soon, CancellationToken cancellation)
    {
        var key = version.ToString();
        using var ticket = server.InFlight.Begin(version);
        try
        {
            await Task.WhenAny(server.ReadyAsync(soon), server.Ended);
            if (server.Admin is not { } admin || server.Pid is not { } pid) return Problem.Unavailable("No worker can run here", $"A compute server for the check did not start. {server.LastEnd}");
            var (began, cpu) = (Stopwatch.GetTimestamp(), ProcessUse.Cpu(pid) ?? 0);
            if (await admin.LoadAsync(key, soon) is { } refused) return Refused(refused, key);
            var status = candidate.HealthPath is { } path ? await AskAsync(server.SocketPath, key, path, soon) : ((int Status, string? Error)?)null;
            var took = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            var used = ((ProcessUse.Cpu(pid) ?? cpu) - cpu) * 1000 - OwnCpuMs;
            if (used > candidate.Code.Limits.StartupMs)
                return Problem.Invalid("limits.startupMs", $"The start took about {used:0} ms of CPU, {candidate.Code.Limits.StartupMs} are allowed.", "Do less when the modules are loaded: compute it with the first request.");
            if (status is (>= 500, var error))
                return Problem.Invalid("healthPath", $"{candidate.HealthPath} answered {status.Value.Status}{(error is null ? "" : $": {error}")}.", "The health path must answer below 500.");
            return new StartupReport(took, status?.Status);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return Problem.Invalid("modules", $"The code did not get through its start. {await EndOfAsync(server)}", "Nothing may loop, wait or fill the memory while the modules are loaded.");
        }
    }

    private static async Task<string> EndOfAsync(ServerProcess server)
    {
        // The connection breaks a moment before the process is known to have ended.
        await Task.WhenAny(server.Ended, Task.Delay(TimeSpan.FromSeconds(5)));
        return server.LastEnd ?? "It neither answered nor ended.";
    }

    private static Problem Refused(string error, string key) =>
        Problem.Invalid("modules", error.Replace($"t/{key}/", "", StringComparison.Ordinal).Trim(), "Mend the code, or the compatibility date and flags that it needs.");

    private static async Task<(int Status, string? Error)> AskAsync(string socket, string key, string path, CancellationToken cancellation)
    {
        using var http = new HttpMessageInvoker(UnixHttp.Handler(socket));
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://health.check" + path);
        request.Headers.TryAddWithoutValidation("x-quarterdeck-worker", key);
        using var response = await http.SendAsync(request, cancellation);
        var error = response.Headers.TryGetValues("x-quarterdeck-error", out var values) ? Uri.UnescapeDataString(values.First()) : null;
        return ((int)response.StatusCode, error);
    }
}
