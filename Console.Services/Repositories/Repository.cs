using System.Collections.Concurrent;
using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Packs;
using Quarterdeck.Repositories.Sessions;
using Quarterdeck.Repositories.Trees;
using Quarterdeck.Repositories.Upkeep;

namespace Quarterdeck.Repositories;

/// <summary>One session with a repository: chunks, disk indexes and points. Open one for one piece of work, and dispose it.</summary>
/// <remarks>Safe for many threads. While it is open, collecting (here or on another console) removes nothing that it has seen or stored.
/// Faults are thrown as <see cref="RepositoryException"/>. It can be read although it does not accept writes; such a session is not announced to others.</remarks>
public sealed partial class Repository : IAsyncDisposable
{
    /// <summary>Bytes of a chunk; a disk's last chunk is filled up with zeros.</summary>
    public const int ChunkSize = 65536;

    private const int NodePackBytes = 8 << 20, PacksPerIndex = 64, IndexesToMerge = 8, CachedNodes = 1024;
    private readonly RepositoryFiles _files;
    private readonly OpenSession? _session;
    private readonly RepositoryException? _unwritable;
    private readonly IndexShelf _indexes;
    private readonly PointShelf _points;
    private readonly PackReader _reader;
    private readonly PackWriter _data, _nodes;
    private readonly ConcurrentDictionary<ChunkId, Task> _own = [];
    private readonly ConcurrentDictionary<ChunkId, ChunkId[]> _cache = [];
    private readonly SemaphoreSlim _indexing = new(1), _healing = new(1);
    private readonly Lock _swap = new();
    private readonly List<IndexFile> _ownIndexes = [];
    private readonly ChunkTable _began;
    private volatile ChunkTable _table;
    private volatile Exception? _broken;
    private bool _healed;
    private int _closed;

    private Repository(RepositoryFiles files, OpenSession? session, RepositoryException? unwritable, IndexShelf indexes, ChunkTable table)
    {
        (_files, _session, _unwritable, _indexes, _began, _table) = (files, session, unwritable, indexes, table, table);
        _points = new PointShelf(files);
        _reader = new PackReader(files.Store, files.Config.Id, files.Coder);
        _data = new PackWriter(files.Store, files.Config.Id, files.Coder, RecordKind.Data, files.Config.PackBytes);
        _nodes = new PackWriter(files.Store, files.Config.Id, files.Coder, RecordKind.Node, Math.Min(NodePackBytes, files.Config.PackBytes));
    }

    /// <summary>The purpose of a session that frees room: it may use what was set aside for that.</summary>
    internal const string Collecting = "collect";

    /// <summary>Begins a session; disposing it closes the files, too.</summary>
    internal static async Task<Repository> OpenAsync(RepositoryFiles files, string purpose, string? cacheFolder, TimeProvider time, CancellationToken cancellation)
    {
        OpenSession? session = null;
        try
        {
            RepositoryException? unwritable = null;
            if (purpose == Collecting) files.Store.UseReserve();
            else files.Store.KeepReserve();
            try { session = await OpenSession.BeginAsync(files, purpose, time, cancellation); }
            // A full or write-protected repository can still be restored from.
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Full or RepositoryFault.ReadOnly) { unwritable = e; }
            var indexes = new IndexShelf(files, cacheFolder);
            var table = await indexes.LoadAsync(cancellation);
            if (session is not null && indexes.UnreadableCondemnations.Count > 0)
            {
                await CondemnationRepair.DropAsync(files, session.Id, indexes.UnreadableCondemnations, time, cancellation);
                table = await indexes.LoadAsync(cancellation);
            }
            return new Repository(files, session, unwritable, indexes, table);
        }
        catch
        {
            if (session is not null) await session.DisposeAsync();
            await files.DisposeAsync();
            throw;
        }
    }

    /// <summary>The repository's own id, which it keeps wherever it is moved.</summary>
    public Guid Id => _files.Config.Id;

    /// <summary>Where it is, for people.</summary>
    public string Location => _files.Store.Location;

    /// <summary>Bytes that this session has added so far.</summary>
    public long StoredBytes => _data.WrittenBytes + _nodes.WrittenBytes;

    /// <summary>Bytes that this session has read from packs so far.</summary>
    public long ReadBytes => _reader.ReadBytes;

    /// <summary>Called when a point was made or removed here.</summary>
    internal Action? Changed { get; set; }

    internal RepositoryFiles Files => _files;

    internal Guid SessionId => _session?.Id ?? throw new RepositoryException(_unwritable!.Fault, _unwritable.Problem.Detail, _unwritable);

    internal ChunkTable Table => _table;

    internal PointShelf Points => _points;

    internal PackReader Reader => _reader;

    internal IndexShelf Indexes => _indexes;

    /// <summary>The id of a chunk's content: <see cref="ChunkSize"/> bytes.</summary>
    public ChunkId IdOf(ReadOnlySpan<byte> chunk) => !chunk.ContainsAnyExcept((byte)0) ? ChunkId.Zero : _files.Seal.IdOf(chunk);

    /// <summary>Whether a chunk need not be sent; true for zeros.</summary>
    public bool IsKnown(ChunkId id) => id.IsZero || _own.ContainsKey(id) || _table.Find(id, toRelyOn: true) is not null;

    /// <summary>Bytes that a chunk takes in the repository; 0 for zeros, unknown ones, and those that this session has just stored.</summary>
    public int StoredBytesOf(ChunkId id) => id.IsZero ? 0 : _table.Find(id, toRelyOn: false)?.Place.Length ?? 0;

    /// <summary>Begins the index of a disk.</summary>
    /// <param name="sizeBytes">What the guest sees.</param>
    /// <param name="parent">What it is where nothing is set; null for zeros. Its size may be another one.</param>
    public DiskIndexWriter NewIndex(long sizeBytes, DiskIndex? parent) => new(this, sizeBytes, parent);

    /// <summary>Opens the index of a disk; reads nothing yet.</summary>
    public DiskIndex OpenIndex(RootHash root, long sizeBytes) => new(this, root, sizeBytes);

    /// <summary>The chunks in which two disks differ, in order; reads only nodes that differ.</summary>
    public IAsyncEnumerable<ChunkDifference> CompareAsync(DiskIndex from, DiskIndex to, CancellationToken cancellation) => new TreeComparison(from, to).RunAsync(cancellation);

    /// <summary>All points, newest first, without those that cannot be read.</summary>
    public async Task<IReadOnlyList<PointManifest>> PointsAsync(CancellationToken cancellation) => (await _points.AllAsync(cancellation)).Points;

    /// <summary>One point; null when there is none.</summary>
    public Task<PointManifest?> PointAsync(Guid id, CancellationToken cancellation) => _points.FindAsync(id, cancellation);

    /// <summary>Changes what may change about a point.</summary>
    public Task LabelPointAsync(Guid id, Func<PointLabels, PointLabels> change, CancellationToken cancellation) => _points.LabelAsync(id, change, cancellation);

    /// <summary>Removes a point; its chunks go with the next collect. Nothing happens when it is gone already.</summary>
    public async Task RemovePointAsync(Guid id, CancellationToken cancellation)
    {
        await _points.RemoveAsync(id, cancellation);
        Changed?.Invoke();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        await _data.DisposeAsync();
        await _nodes.DisposeAsync();
        if (_session is not null) await _session.DisposeAsync();
        _indexing.Dispose();
        _healing.Dispose();
        await _files.DisposeAsync();
    }
}
