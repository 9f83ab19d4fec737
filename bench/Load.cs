using System.Globalization;
using System.Text.RegularExpressions;

namespace Quarterdeck.Bench;

/// <summary>What a round of load showed.</summary>
/// <param name="Requests">Answered.</param>
/// <param name="PerSecond">Answered a second.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="Failed">Answers other than 2xx and 3xx, and broken connections.</param>
/// <param name="CpuMicroseconds">Processor time of each group of processes for a request.</param>
internal sealed record LoadRound(long Requests, double PerSecond, double P50, long Failed, IReadOnlyList<double> CpuMicroseconds);

/// <summary>wrk against one address, and what the answering processes used meanwhile.</summary>
internal static partial class Load
{
    /// <summary>One round.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="host">Host header.</param>
    /// <param name="connections">At once.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="groups">Processes whose processor time is taken, by group.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<LoadRound> RunAsync(int port, string host, int connections, int seconds, IReadOnlyList<IReadOnlyList<int>> groups, CancellationToken cancellation)
    {
        var before = groups.Select(g => g.Sum(CpuOf)).ToList();
        var (output, _) = await Tools.RunAsync("wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", "--latency", "-H", $"Host: {host}", $"http://127.0.0.1:{port}/"], cancellation);
        var used = groups.Select((g, i) => g.Sum(CpuOf) - before[i]).ToList();
        var requests = long.Parse(Requests().Match(output).Groups[1].Value, CultureInfo.InvariantCulture);
        long failed = 0;
        foreach (Match match in Failures().Matches(output)) failed += long.Parse(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value, CultureInfo.InvariantCulture);
        return new LoadRound(requests, double.Parse(Rate().Match(output).Groups[1].Value, CultureInfo.InvariantCulture), Milliseconds(Median().Match(output)), failed, [.. used.Select(u => u * 1e6 / Math.Max(1, requests))]);
    }

    /// <summary>Processor time of a process since its start, seconds.</summary>
    public static double CpuOf(int process)
    {
        var stat = File.ReadAllText($"/proc/{process}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    }

    /// <summary>Resident bytes of a process that are its own.</summary>
    public static long MemoryOf(int process) =>
        long.Parse(File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;

    /// <summary>What a process started, at any depth.</summary>
    public static IEnumerable<int> ChildrenOf(int process)
    {
        foreach (var task in Directory.EnumerateDirectories($"/proc/{process}/task"))
            foreach (var child in File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse))
            {
                yield return child;
                foreach (var deeper in ChildrenOf(child)) yield return deeper;
            }
    }

    private static double Milliseconds(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * match.Groups[2].Value switch { "us" => 0.001, "s" => 1000, _ => 1 };

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Requests();

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"50%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Median();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (\d+)|(?:connect|read|write|timeout) (\d+)")]
    private static partial Regex Failures();
}
