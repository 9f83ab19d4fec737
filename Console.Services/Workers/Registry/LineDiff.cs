namespace Quarterdeck.Workers.Registry;

/// <summary>The shortest way from one text to another by lines (Myers, "An O(ND) difference algorithm"), with three unchanged lines around each change.</summary>
internal static class LineDiff
{
    private const int Context = 3;

    // The search costs the square of it in memory; texts that differ more are shown as replaced.
    private const int MostChanges = 2000;

    public static IReadOnlyList<DiffLine> Of(string from, string to) => Shorten(Whole(Split(from), Split(to)));

    private static string[] Split(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n') is { Length: > 0 } trimmed ? trimmed.Split('\n') : [];

    private static List<DiffLine> Whole(string[] a, string[] b)
    {
        // What both begin and end with needs no search.
        var (head, tail) = (0, 0);
        while (head < a.Length && head < b.Length && a[head] == b[head]) head++;
        while (tail < a.Length - head && tail < b.Length - head && a[^(tail + 1)] == b[^(tail + 1)]) tail++;
        var lines = new List<DiffLine>();
        lines.AddRange(a[..head].Select(l => new DiffLine(' ', l)));
        lines.AddRange(Middle(a[head..^tail], b[head..^tail]));
        lines.AddRange(a[^tail..].Select(l => new DiffLine(' ', l)));
        return lines;
    }

    private static IEnumerable<DiffLine> Middle(string[] a, string[] b)
    {
        if (Search(a, b) is not { } trace) return [.. a.Select(l => new DiffLine('-', l)), .. b.Select(l => new DiffLine('+', l))];
        var lines = new List<DiffLine>();
        var (x, y) = (a.Length, b.Length);
        for (var d = trace.Count - 1; d > 0; d--)
        {
            var v = trace[d - 1];
            var k = x - y;
            var down = k == -d || (k != d && At(v, d - 1, k - 1) < At(v, d - 1, k + 1));
            var before = down ? k + 1 : k - 1;
            var px = At(v, d - 1, before);
            var py = px - before;
            while (x > px && y > py && x > 0 && y > 0 && !(down ? x == px : y == py))
            {
                lines.Add(new DiffLine(' ', a[--x]));
                y--;
            }
            if (down) lines.Add(new DiffLine('+', b[--y]));
            else lines.Add(new DiffLine('-', a[--x]));
        }
        while (x > 0)
        {
            lines.Add(new DiffLine(' ', a[--x]));
            y--;
        }
        lines.Reverse();
        return lines;
    }

    /// <summary>How far along each diagonal 0, 1, 2 … changes reach; null when there are too many.</summary>
    private static List<int[]>? Search(string[] a, string[] b)
    {
        var trace = new List<int[]>();
        var last = Math.Min(a.Length + b.Length, MostChanges);
        for (var d = 0; d <= last; d++)
        {
            var v = new int[d + 1]; // diagonals -d, -d + 2 … d
            var before = d == 0 ? null : trace[d - 1];
            for (var k = -d; k <= d; k += 2)
            {
                var x = before is null ? 0 : k == -d || (k != d && At(before, d - 1, k - 1) < At(before, d - 1, k + 1)) ? At(before, d - 1, k + 1) : At(before, d - 1, k - 1) + 1;
                while (x < a.Length && x - k < b.Length && a[x] == b[x - k]) x++;
                v[(k + d) / 2] = x;
                if (x < a.Length || x - k < b.Length) continue;
                trace.Add(v);
                return trace;
            }
            trace.Add(v);
        }
        return null;
    }

    private static int At(int[] v, int d, int k) => k < -d || k > d ? -1 : v[(k + d) / 2];

    private static IReadOnlyList<DiffLine> Shorten(List<DiffLine> lines)
    {
        var keep = new bool[lines.Count];
        for (var i = 0; i < lines.Count; i++)
            if (lines[i].Mark is not ' ')
                for (var j = Math.Max(0, i - Context); j <= Math.Min(lines.Count - 1, i + Context); j++) keep[j] = true;
        var shown = new List<DiffLine>();
        for (var i = 0; i < lines.Count;)
        {
            if (keep[i]) { shown.Add(lines[i++]); continue; }
            var from = i;
            while (i < lines.Count && !keep[i]) i++;
            shown.Add(new DiffLine('@', $"{i - from} unchanged lines"));
        }
        return shown;
    }
}
