namespace Quarterdeck.Workers.Figures;

/// <summary>Counts of a version, up to a moment or over a time.</summary>
internal sealed record FigureTotals(int Requests, int Errors, int ColdStarts, long WallMicroseconds, long CpuMicroseconds, int[] Wall, int[] Cpu, int[] Limits)
{
    /// <summary>Whether nothing happened.</summary>
    public bool IsEmpty => Requests == 0 && ColdStarts == 0 && CpuMicroseconds == 0 && Array.TrueForAll(Limits, l => l == 0);

    /// <summary>What came after <paramref name="earlier"/>.</summary>
    public FigureTotals Minus(FigureTotals? earlier) => earlier is null ? this : new(
        Requests - earlier.Requests, Errors - earlier.Errors, ColdStarts - earlier.ColdStarts, WallMicroseconds - earlier.WallMicroseconds, CpuMicroseconds - earlier.CpuMicroseconds,
        Difference(Wall, earlier.Wall), Difference(Cpu, earlier.Cpu), Difference(Limits, earlier.Limits));

    private static int[] Difference(int[] now, int[] before)
    {
        var result = new int[now.Length];
        for (var i = 0; i < result.Length; i++) result[i] = now[i] - before[i];
        return result;
    }
}
