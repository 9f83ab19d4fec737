using System.Text.Json;

namespace Quarterdeck.Workers.Figures;

/// <summary>A stored minute or hour of a version on a node.</summary>
internal sealed record FigureRow
{
    public required long Serial { get; init; }
    public required int Version { get; init; }
    public required int Seconds { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string Node { get; init; }
    public required int Requests { get; init; }
    public required int Errors { get; init; }
    public required int ColdStarts { get; init; }
    public required long WallMicros { get; init; }
    public required long CpuMicros { get; init; }
    public long? MemoryBytes { get; init; }
    public required string Limits { get; init; }
    public required byte[] Wall { get; init; }
    public required byte[] Cpu { get; init; }

    /// <summary>Counts as a row.</summary>
    public static FigureRow Of(WorkerKey key, FigureTotals totals, long memory, DateTimeOffset at, int seconds, string node) => new()
    {
        Serial = key.Serial, Version = key.Version, Seconds = seconds, At = at, Node = node,
        Requests = totals.Requests, Errors = totals.Errors, ColdStarts = totals.ColdStarts, WallMicros = totals.WallMicroseconds, CpuMicros = totals.CpuMicroseconds,
        MemoryBytes = memory >= 0 ? memory : null, Wall = Buckets.Pack(totals.Wall), Cpu = Buckets.Pack(totals.Cpu),
        Limits = JsonSerializer.Serialize(Enum.GetValues<WorkerLimitKind>().Where(kind => totals.Limits[(int)kind] > 0).ToDictionary(kind => kind.ToString(), kind => totals.Limits[(int)kind])),
    };

    /// <summary>The counts of several rows together; memory is the most that was seen.</summary>
    public static (FigureTotals Totals, long Memory) Sum(IEnumerable<FigureRow> rows)
    {
        int requests = 0, errors = 0, cold = 0;
        long wallTotal = 0, cpuTotal = 0, memory = -1;
        int[] wall = new int[Buckets.Count], cpu = new int[Buckets.Count], limits = new int[Enum.GetValues<WorkerLimitKind>().Length];
        foreach (var row in rows)
        {
            (requests, errors, cold) = (requests + row.Requests, errors + row.Errors, cold + row.ColdStarts);
            (wallTotal, cpuTotal, memory) = (wallTotal + row.WallMicros, cpuTotal + row.CpuMicros, Math.Max(memory, row.MemoryBytes ?? -1));
            Buckets.AddPacked(row.Wall, wall);
            Buckets.AddPacked(row.Cpu, cpu);
            // A kind of a newer version is not ours to show.
            foreach (var (name, count) in JsonSerializer.Deserialize<Dictionary<string, int>>(row.Limits)!)
                if (Enum.TryParse<WorkerLimitKind>(name, out var kind)) limits[(int)kind] += count;
        }
        return (new FigureTotals(requests, errors, cold, wallTotal, cpuTotal, wall, cpu, limits), memory);
    }
}
