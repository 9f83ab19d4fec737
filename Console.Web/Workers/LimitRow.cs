using System.Globalization;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>One limit as the settings show it.</summary>
/// <param name="Field">As REST spells it.</param>
/// <param name="Label">What it is called.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Value">Takes it from limits.</param>
/// <param name="Of">How many of the stored unit one of <paramref name="Unit"/> is.</param>
internal sealed record LimitRow(string Field, string Label, string Unit, Func<WorkerLimits, long> Value, long Of = 1)
{
    private const long MiB = 1 << 20;

    /// <summary>All that a version may be given.</summary>
    public static IReadOnlyList<LimitRow> All { get; } =
    [
        new("cpuMs", "CPU per turn", "ms", l => l.CpuMs),
        new("cpuPercent", "CPU rate over 10 s", "% of a core", l => l.CpuPercent),
        new("memoryMiB", "Heap", "MiB", l => l.MemoryMiB),
        new("buffersMiB", "Array buffers", "MiB", l => l.BuffersMiB),
        new("wallMs", "Wall time", "ms", l => l.WallMs),
        new("concurrentSubrequests", "Subrequests at once", "", l => l.ConcurrentSubrequests),
        new("subrequests", "Subrequests in all", "", l => l.Subrequests),
        new("requestBytes", "Request body", "MiB", l => l.RequestBytes, MiB),
        new("responseBytes", "Response body", "MiB", l => l.ResponseBytes, MiB),
        new("codeBytes", "Code", "MiB", l => l.CodeBytes, MiB),
        new("startupMs", "Start-up", "ms", l => l.StartupMs),
    ];

    /// <summary>Limits whose numbers come from each row, in the stored unit.</summary>
    public static WorkerLimits Limits(Func<LimitRow, long> value)
    {
        var of = All.ToDictionary(row => row.Field, value);
        return new(Int("cpuMs"), Int("cpuPercent"), Int("memoryMiB"), Int("buffersMiB"), Int("wallMs"), Int("concurrentSubrequests"), Int("subrequests"), of["requestBytes"], of["responseBytes"], of["codeBytes"], Int("startupMs"));

        int Int(string field) => (int)Math.Min(of[field], int.MaxValue);
    }

    /// <summary>Its label with the unit, for screen readers.</summary>
    public string Named => Unit.Length > 0 ? $"{Label} in {Unit}" : Label;

    /// <summary>As text for a field: the number in <see cref="Unit"/>.</summary>
    public string Text(WorkerLimits limits) => (Value(limits) / (double)Of).ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>As a word with unit; 0 of the response is no limit.</summary>
    public string Words(WorkerLimits limits) => Field == "responseBytes" && limits.ResponseBytes == 0 ? "no limit" : $"{Text(limits)} {Unit}".TrimEnd();

    /// <summary>What was typed, in the stored unit; null when it is no number.</summary>
    public long? Read(string? text) => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * Of < long.MaxValue ? (long)Math.Round(number * Of) : null;
}
