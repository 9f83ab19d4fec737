using System.Runtime.CompilerServices;

namespace Quarterdeck.Repositories.Trees;

/// <summary>Walks two disk indexes side by side and goes down only where they differ.</summary>
internal sealed class TreeComparison(DiskIndex from, DiskIndex to)
{
    // Nodes read ahead: one pair after the other would make the store's delay count for each.
    private const int Ahead = 32;
    private static readonly ChunkId[] Empty = new ChunkId[TreeShape.FanOut];

    /// <summary>Where one index stands at a node: its id, or, above its own top, that it is wrapped.</summary>
    private readonly record struct Side(ChunkId Id, bool Wrapped);

    public IAsyncEnumerable<ChunkDifference> RunAsync(CancellationToken cancellation)
    {
        var level = Math.Max(from.Top, to.Top);
        return WalkAsync(level, 0, Start(from, level), Start(to, level), cancellation);
    }

    private static Side Start(DiskIndex index, int level) => index.Root.Top.IsZero ? default : new Side(index.Root.Top, level > index.Top);

    private async IAsyncEnumerable<ChunkDifference> WalkAsync(int level, long first, Side a, Side b, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (a == b) yield break;
        var (left, right) = (await ChildrenAsync(from, level, a, cancellation), await ChildrenAsync(to, level, b, cancellation));
        if (level == 0)
        {
            for (var i = 0; i < TreeShape.FanOut; i++)
                if (left[i].Id != right[i].Id) yield return new ChunkDifference(first + i, left[i].Id, right[i].Id);
            yield break;
        }
        var differing = Enumerable.Range(0, TreeShape.FanOut).Where(i => left[i] != right[i]).ToArray();
        for (var next = 0; next < differing.Length; next++)
        {
            if (next % Ahead == 0) await PrefetchAsync(differing.Skip(next).Take(Ahead), left, right, cancellation);
            var i = differing[next];
            await foreach (var difference in WalkAsync(level - 1, first + i * TreeShape.Span(level - 1), left[i], right[i], cancellation)) yield return difference;
        }
    }

    private Task PrefetchAsync(IEnumerable<int> places, Side[] left, Side[] right, CancellationToken cancellation) =>
        Parallel.ForEachAsync(places, new ParallelOptions { MaxDegreeOfParallelism = Ahead, CancellationToken = cancellation }, async (i, c) =>
        {
            if (left[i] is { Wrapped: false, Id.IsZero: false } a) await from.NodeAsync(a.Id, c);
            if (right[i] is { Wrapped: false, Id.IsZero: false } b) await to.NodeAsync(b.Id, c);
        });

    private static async Task<Side[]> ChildrenAsync(DiskIndex index, int level, Side side, CancellationToken cancellation)
    {
        if (side.Wrapped)
        {
            var children = new Side[TreeShape.FanOut];
            children[0] = new Side(side.Id, level - 1 > index.Top);
            return children;
        }
        var ids = side.Id.IsZero ? Empty : await index.NodeAsync(side.Id, cancellation);
        return Array.ConvertAll(ids, id => new Side(id, false));
    }
}
