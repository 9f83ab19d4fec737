using System.Collections;
using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Trees;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Finds out which records the points need: one bit an entry, whatever the repository's size.</summary>
internal sealed class Marking
{
    private readonly Repository _repository;
    private readonly BitArray[] _marks;

    public Marking(Repository repository, ChunkTable table)
    {
        (_repository, Table) = (repository, table);
        _marks = [.. table.Files.Select(file => new BitArray(file.Count))];
    }

    public ChunkTable Table { get; }

    /// <summary>Points that were marked.</summary>
    public HashSet<Guid> Points { get; } = [];

    /// <summary>Chunks that a point needs and that are not there.</summary>
    public long Missing { get; private set; }

    public bool IsMarked(EntryAt at) => _marks[at.File][at.Entry];

    /// <summary>Marks what a point needs. What was marked already is not walked again.</summary>
    /// <exception cref="RepositoryException">A node cannot be read: what is below it would not be marked.</exception>
    public async Task AddAsync(PointManifest point, CancellationToken cancellation)
    {
        foreach (var (root, size) in RootsOf(point)) await AddAsync(TreeShape.Top(TreeShape.Chunks(size)), root.Top, cancellation);
        Points.Add(point.Id);
    }

    public static IEnumerable<(RootHash Root, long Size)> RootsOf(PointManifest point) =>
        point.Disks.Select(disk => (disk.Root, disk.SizeBytes)).Concat(point.Files.Select(file => (file.Root, file.SizeBytes)));

    private async Task AddAsync(int level, ChunkId node, CancellationToken cancellation)
    {
        if (node.IsZero || !Mark(node)) return;
        foreach (var id in await _repository.NodeAsync(node, cancellation))
            if (id.IsZero) continue;
            else if (level == 0) Mark(id);
            else await AddAsync(level - 1, id, cancellation);
    }

    /// <summary>False when it was marked before.</summary>
    private bool Mark(ChunkId id)
    {
        if (Table.FindEntry(id, toRelyOn: false) is not { } at)
        {
            Missing++;
            return true;
        }
        if (_marks[at.File][at.Entry]) return false;
        return _marks[at.File][at.Entry] = true;
    }
}
