using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>Neighbouring chunks of a disk.</summary>
/// <param name="First">The first one.</param>
/// <param name="End">The first one after them.</param>
internal readonly record struct ChunkRange(long First, long End)
{
    /// <summary>How many.</summary>
    public long Count => End - First;
}

/// <summary>Which chunks of an export must be looked at, and which of them hold anything.</summary>
/// <param name="Looked">Chunks whose content may have changed, or all of them; in order.</param>
/// <param name="Data">Those among them that do not read as zeroes altogether; in order.</param>
internal sealed record ChunkRanges(IReadOnlyList<ChunkRange> Looked, IReadOnlyList<ChunkRange> Data)
{
    private const string Allocation = "base:allocation";
    private const uint Dirty = 1, Zero = 2;
    private const long Near = (16L << 20) / Repository.ChunkSize;

    /// <summary>Chunks in the data.</summary>
    public long DataChunks => Data.Sum(r => r.Count);

    /// <summary>The contexts that must be asked for.</summary>
    public static IReadOnlyList<string> Contexts(string? changes) => changes is null ? [Allocation] : [Allocation, changes];

    /// <summary>Asks the server.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="changes">The context that tells what changed; null to look at everything.</param>
    /// <param name="sizeThen">The disk's size when the changes began to be tracked.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<ChunkRanges> AskAsync(NbdClient disk, string? changes, long sizeThen, CancellationToken cancellation)
    {
        var looked = changes is null ? [new ChunkRange(0, Up(disk.Size))] : await ChangedAsync(disk, changes, sizeThen, cancellation);
        var data = new List<ChunkRange>();
        foreach (var span in Join(looked, Near)) // one question for many neighbours
            await foreach (var extent in disk.ExtentsAsync(Allocation, span.First * Repository.ChunkSize, Math.Min(span.End * Repository.ChunkSize, disk.Size) - span.First * Repository.ChunkSize, cancellation))
                if ((extent.Flags & Zero) == 0) Append(data, new ChunkRange(extent.Offset / Repository.ChunkSize, Up(extent.End)));
        return new ChunkRanges(looked, [.. Intersect(looked, data)]);
    }

    /// <summary>What of <paramref name="all"/> is not in <paramref name="less"/>; both in order.</summary>
    public static IEnumerable<ChunkRange> Except(IReadOnlyList<ChunkRange> all, IReadOnlyList<ChunkRange> less)
    {
        var at = 0;
        foreach (var range in all)
        {
            var first = range.First;
            while (at < less.Count && less[at].End <= first) at++;
            for (var i = at; i < less.Count && less[i].First < range.End; i++)
            {
                if (less[i].First > first) yield return new(first, less[i].First);
                first = Math.Max(first, less[i].End);
            }
            if (first < range.End) yield return new(first, range.End);
        }
    }

    private static async Task<List<ChunkRange>> ChangedAsync(NbdClient disk, string changes, long sizeThen, CancellationToken cancellation)
    {
        var changed = new List<ChunkRange>();
        await foreach (var extent in disk.ExtentsAsync(changes, 0, disk.Size, cancellation))
            if ((extent.Flags & Dirty) != 0) Append(changed, new ChunkRange(extent.Offset / Repository.ChunkSize, Up(extent.End)));
        if (sizeThen == disk.Size) return changed;
        // What a resized disk has beyond its old end was never tracked.
        var end = Math.Min(sizeThen, disk.Size) / Repository.ChunkSize;
        changed.RemoveAll(r => r.First >= end);
        if (changed is [.., var last] && last.End > end) changed[^1] = last with { End = end };
        Append(changed, new ChunkRange(end, Up(disk.Size)));
        return changed;
    }

    private static List<ChunkRange> Join(IReadOnlyList<ChunkRange> ranges, long gap)
    {
        var joined = new List<ChunkRange>();
        foreach (var range in ranges)
            if (joined is [.., var last] && range.First - last.End <= gap) joined[^1] = last with { End = range.End };
            else joined.Add(range);
        return joined;
    }

    // In order of their beginnings; a chunk that two extents share counts once.
    private static void Append(List<ChunkRange> ranges, ChunkRange next)
    {
        if (ranges is [.., var last] && next.First <= last.End) ranges[^1] = last with { End = Math.Max(last.End, next.End) };
        else if (next.Count > 0) ranges.Add(next);
    }

    private static IEnumerable<ChunkRange> Intersect(List<ChunkRange> a, List<ChunkRange> b)
    {
        for (int i = 0, j = 0; i < a.Count && j < b.Count;)
        {
            var both = new ChunkRange(Math.Max(a[i].First, b[j].First), Math.Min(a[i].End, b[j].End));
            if (both.Count > 0) yield return both;
            if (a[i].End < b[j].End) i++;
            else j++;
        }
    }

    private static long Up(long bytes) => (bytes + Repository.ChunkSize - 1) / Repository.ChunkSize;
}
