using Quarterdeck.Repositories.Packs;
using Quarterdeck.Repositories.Trees;
using Quarterdeck.Repositories.Upkeep;

namespace Quarterdeck.Repositories;

public sealed partial class Repository
{
    private const int MaxFile = 64 << 20;

    /// <summary>The points, of whichever VM, that need something which this session has found missing or damaged; newest first. Reads the indexes of all points.</summary>
    public async Task<IReadOnlyList<PointManifest>> DamagedPointsAsync(CancellationToken cancellation)
    {
        var check = new TreeCheck(this, _table);
        var damaged = new List<PointManifest>();
        foreach (var point in await PointsAsync(cancellation))
            if (await check.DamageAsync(point, cancellation) is not null) damaged.Add(point);
        return damaged;
    }

    /// <summary>Stores a small file.</summary>
    /// <param name="name">What it is, such as <c>nvram</c>.</param>
    /// <param name="content">At most 64 MiB.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<PointFile> PutFileAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, MaxFile, nameof(content));
        var index = NewIndex(content.Length, null);
        var chunk = new byte[ChunkSize];
        for (long at = 0; at * ChunkSize < content.Length; at++)
        {
            chunk.AsSpan().Clear();
            content.Span[(int)(at * ChunkSize)..Math.Min(content.Length, (int)(at + 1) * ChunkSize)].CopyTo(chunk);
            var id = IdOf(chunk);
            await PutAsync(id, chunk, cancellation);
            index.Set(at, id);
        }
        return new PointFile(name, content.Length, await index.CompleteAsync(cancellation));
    }

    /// <summary>Reads a small file.</summary>
    public async Task<byte[]> ReadFileAsync(PointFile file, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(file.SizeBytes, MaxFile, nameof(file));
        var content = new byte[file.SizeBytes];
        var chunk = new byte[ChunkSize];
        await foreach (var (at, id) in OpenIndex(file.Root, file.SizeBytes).DataAsync(cancellation))
        {
            await ReadAsync(id, chunk, cancellation);
            chunk.AsSpan(0, (int)Math.Min(ChunkSize, content.Length - at * ChunkSize)).CopyTo(content.AsSpan((int)(at * ChunkSize)));
        }
        return content;
    }

    /// <summary>Makes everything durable, then the point: from then on it exists, whatever happens.</summary>
    /// <param name="point">Its roots were made by this session, or are those of points that it has seen.</param>
    /// <param name="cancellation">Gives up; ignored once the point is being made.</param>
    /// <exception cref="RepositoryException">Something could not be stored, or this session was declared dead: then there is no point.</exception>
    public async Task CommitPointAsync(PointManifest point, CancellationToken cancellation)
    {
        ThrowIfUnwritable();
        foreach (var root in point.Disks.Select(disk => disk.Root).Concat(point.Files.Select(file => file.Root)))
            if (!root.Top.IsZero && !_own.ContainsKey(root.Top) && _table.Find(root.Top, toRelyOn: false) is null) throw new RepositoryException(RepositoryFault.Damaged, $"The index {root} was never stored here.");
        await FlushAsync(cancellation);
        if (_began.Condemned.Count > 0) await KeepAsync(point, cancellation);
        await _session!.ThrowIfLostAsync(cancellation);
        await _points.AddAsync(point, CancellationToken.None);
        try { await _session.ThrowIfLostAsync(CancellationToken.None); }
        catch (RepositoryException) when (!_files.Config.AppendOnly)
        {
            // Who removed the session looks for points after that: it has seen this one, or this check sees the removal. Never neither.
            await _points.RemoveAsync(point.Id, CancellationToken.None);
            throw;
        }
        Changed?.Invoke();
    }

    /// <summary>What was condemned before this session began does not wait for it: what the point inherits from there is stored anew, and a point whose parent went meanwhile is refused.</summary>
    private async Task KeepAsync(PointManifest point, CancellationToken cancellation)
    {
        foreach (var (root, size) in Marking.RootsOf(point)) await KeepAsync(TreeShape.Top(TreeShape.Chunks(size)), root.Top, [], cancellation);
        await FlushAsync(cancellation);
    }

    private async Task KeepAsync(int level, ChunkId id, HashSet<ChunkId> seen, CancellationToken cancellation)
    {
        if (id.IsZero || !seen.Add(id)) return;
        if (_table.Find(id, toRelyOn: true) is null)
        {
            if (_table.Find(id, toRelyOn: false) is not { } leaving) throw Missing(id);
            await MoveAsync(leaving.Pack, new RecordEntry(id, leaving.Place), cancellation);
        }
        if (level < 0) return;
        foreach (var child in await NodeAsync(id, cancellation)) await KeepAsync(level - 1, child, seen, cancellation);
    }
}
