namespace Quarterdeck.Workers.Figures;

/// <summary>Adds the counters of some versions up for a time that just passed, and what other nodes stored of it.</summary>
internal static class FigureWindow
{
    public static WorkerWindow Of(IReadOnlyList<VersionCounters> versions, TimeSpan length, IEnumerable<FigureRow>? stored = null)
    {
        long requests = 0, errors = 0, memory = -1;
        var wall = new int[Buckets.Count];
        var cpu = new int[Buckets.Count];
        foreach (var one in versions)
        {
            var (some, failed) = one.Since(length);
            (requests, errors) = (requests + some, errors + failed);
            if (one.MemoryBytes >= 0) memory = Math.Max(0, memory) + one.MemoryBytes;
            var recent = one.Recent();
            for (var i = 0; i < Buckets.Count; i++) (wall[i], cpu[i]) = (wall[i] + recent.Wall[i], cpu[i] + recent.Cpu[i]);
        }
        foreach (var row in stored ?? [])
        {
            (requests, errors) = (requests + row.Requests, errors + row.Errors);
            if (row.MemoryBytes is { } bytes) memory = Math.Max(0, memory) + bytes;
            Buckets.AddPacked(row.Wall, wall);
            Buckets.AddPacked(row.Cpu, cpu);
        }
        return new WorkerWindow(length, requests, errors,
            Buckets.Percentile(cpu, 0.5), Buckets.Percentile(cpu, 0.99), Buckets.Percentile(wall, 0.5), Buckets.Percentile(wall, 0.99), memory >= 0 ? memory : null);
    }
}
