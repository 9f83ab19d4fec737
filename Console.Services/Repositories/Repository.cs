namespace Quarterdeck.Repositories;

/// <summary>One session with a repository: chunks, disk indexes and points. Open one for one piece of work, and dispose it.</summary>
/// <remarks>Safe for many threads. While it is open, collecting (here or on another console) removes nothing that it has seen or stored.
/// Faults are thrown as <see cref="RepositoryException"/>.</remarks>
public sealed class Repository : IAsyncDisposable
{
    /// <summary>Bytes of a chunk; a disk's last chunk is filled up with zeros.</summary>
    public const int ChunkSize = 65536;

    /// <summary>The repository's own id, which it keeps wherever it is moved.</summary>
    public Guid Id => throw new NotSupportedException();

    /// <summary>The id of a chunk's content: <see cref="ChunkSize"/> bytes.</summary>
    public ChunkId IdOf(ReadOnlySpan<byte> chunk) => throw new NotSupportedException();

    /// <summary>Whether a chunk need not be sent; true for zeros.</summary>
    public bool IsKnown(ChunkId id) => throw new NotSupportedException();

    /// <summary>Stores a chunk unless it is known. Many may be in flight; it is durable once <see cref="CommitPointAsync"/> or <see cref="FlushAsync"/> has returned.</summary>
    /// <param name="id">What <see cref="IdOf"/> says.</param>
    /// <param name="chunk">Its content; must stay as it is until this has ended.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether it was new.</returns>
    public Task<bool> PutAsync(ChunkId id, ReadOnlyMemory<byte> chunk, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Reads a chunk and checks it against its id. Many may be in flight.</summary>
    /// <param name="id">Which one; zeros are filled in without reading.</param>
    /// <param name="into">At least <see cref="ChunkSize"/> bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task ReadAsync(ChunkId id, Memory<byte> into, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Bytes that a chunk takes in the repository; 0 for zeros and unknown ones.</summary>
    public int StoredBytesOf(ChunkId id) => throw new NotSupportedException();

    /// <summary>Bytes that this session has added so far.</summary>
    public long StoredBytes => throw new NotSupportedException();

    /// <summary>Begins the index of a disk.</summary>
    /// <param name="sizeBytes">What the guest sees.</param>
    /// <param name="parent">What it is where nothing is set; null for zeros. Its size may be another one.</param>
    public DiskIndexWriter NewIndex(long sizeBytes, DiskIndex? parent) => throw new NotSupportedException();

    /// <summary>Opens the index of a disk; reads nothing yet.</summary>
    public DiskIndex OpenIndex(RootHash root, long sizeBytes) => throw new NotSupportedException();

    /// <summary>The chunks in which two disks differ, in order; reads only nodes that differ.</summary>
    public IAsyncEnumerable<ChunkDifference> CompareAsync(DiskIndex from, DiskIndex to, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Stores a small file (at most 64 MiB).</summary>
    public Task<PointFile> PutFileAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Reads a small file.</summary>
    public Task<byte[]> ReadFileAsync(PointFile file, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Makes durable what was put so far, without a point; a later session of the same VM need not send it again until the next collect.</summary>
    public Task FlushAsync(CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Makes everything durable, then the point: from then on it exists, whatever happens.</summary>
    public Task CommitPointAsync(PointManifest point, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>All points, newest first.</summary>
    public Task<IReadOnlyList<PointManifest>> PointsAsync(CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>One point; null when there is none.</summary>
    public Task<PointManifest?> PointAsync(Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Changes what may change about a point.</summary>
    public Task LabelPointAsync(Guid id, Func<PointLabels, PointLabels> change, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Removes a point; its chunks go with the next collect. Nothing happens when it is gone already.</summary>
    public Task RemovePointAsync(Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotSupportedException();
}
