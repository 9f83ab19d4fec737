using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Exports;

/// <summary>The chunks of a point's disk, read from the repository when they are asked for. A repository that is away for a moment, or forgot the session, only takes longer.</summary>
internal sealed class PointContent : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(5), LookAgain = TimeSpan.FromSeconds(5);
    private readonly Func<CancellationToken, Task<Result<Repository>>> _open;
    private readonly PointDisk _disk;
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _reopening = new(1);
    private volatile Session _session;
    private readonly Lock _gate = new();
    private long _sent, _chunks;
    private long? _reopenedAt;
    private (long? Chunk, string Text)? _damage;
    private volatile string? _fault;

    private PointContent(Func<CancellationToken, Task<Result<Repository>>> open, Repository repository, PointDisk disk, TimeSpan patience, TimeProvider time) =>
        (_open, _disk, _patience, _time, _session) = (open, disk, patience, time, new Session(repository, repository.OpenIndex(disk.Root, disk.SizeBytes)));

    public long SizeBytes => _disk.SizeBytes;

    public long SentBytes => Interlocked.Read(ref _sent);

    public long Chunks => Interlocked.Read(ref _chunks);

    public string? Fault => _fault;

    public string? Damage { get { lock (_gate) return _damage?.Text; } }

    /// <summary>How many chunks the disk has, a cut one at its end included.</summary>
    public long ChunkCount => (_disk.SizeBytes + Repository.ChunkSize - 1) / Repository.ChunkSize;

    /// <summary>Opens one.</summary>
    /// <param name="open">Begins a session with the repository; called again when that one is lost.</param>
    /// <param name="pointId">The point.</param>
    /// <param name="target">The disk's name in the VM.</param>
    /// <param name="patience">How long a read waits for a repository that is away.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<Result<PointContent>> OpenAsync(
        Func<CancellationToken, Task<Result<Repository>>> open, Guid pointId, string target, TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        if (!(await open(cancellation)).TryGet(out var repository, out var problem)) return problem;
        try
        {
            if (await repository.PointAsync(pointId, cancellation) is not { } point) problem = Problem.NotFound("recovery point", pointId);
            else if (point.Disks.FirstOrDefault(d => d.Target == target) is not { } disk) problem = Problem.Invalid("disk", $"The recovery point has no disk '{target}'.", $"It has {string.Join(", ", point.Disks.Select(d => d.Target))}.");
            else return new PointContent(open, repository, disk, patience, time);
        }
        catch (RepositoryException e) { problem = e.Problem; }
        await repository.DisposeAsync();
        return problem;
    }

    /// <summary>Ids from a chunk on, zero beyond the end.</summary>
    /// <exception cref="RepositoryException">The index is damaged, or the repository is away for longer than the patience.</exception>
    public Task IdsAsync(long first, Memory<ChunkId> into, CancellationToken cancellation) => PatientlyAsync(null, session => session.Index.ReadAsync(first, into, cancellation), cancellation);

    /// <summary>A chunk's content, filled up with zeros at the disk's end; null when it is all zeros.</summary>
    /// <exception cref="RepositoryException">It is missing or damaged, or the repository is away for longer than the patience.</exception>
    public async Task<byte[]?> ReadAsync(long chunk, CancellationToken cancellation)
    {
        var id = new ChunkId[1];
        await IdsAsync(chunk, id, cancellation);
        if (id[0].IsZero) return null;
        var content = GC.AllocateUninitializedArray<byte>(Repository.ChunkSize);
        await PatientlyAsync(chunk, async session =>
        {
            await session.Repository.ReadAsync(id[0], content, cancellation);
            Interlocked.Add(ref _sent, session.Repository.StoredBytesOf(id[0]));
        }, cancellation);
        Interlocked.Increment(ref _chunks);
        return content;
    }

    /// <summary>The points that need what the present session found damaged.</summary>
    public Task<IReadOnlyList<PointManifest>> DamagedPointsAsync(CancellationToken cancellation) => _session.Repository.DamagedPointsAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _session.Repository.DisposeAsync();
        _reopening.Dispose();
    }

    private async Task PatientlyAsync(long? chunk, Func<Session, Task> read, CancellationToken cancellation)
    {
        var begun = _time.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var session = _session;
            try
            {
                await read(session);
                _fault = null;
                lock (_gate)
                    if (_damage is { } was && was.Chunk == chunk) _damage = null; // it was mended
                return;
            }
            catch (RepositoryException e)
            {
                _fault = e.Problem.Detail;
                if (e.Fault is RepositoryFault.Damaged)
                {
                    if (!IsToLookAgain(chunk, e.Problem.Detail)) throw;
                    // A backup may have stored the same chunk again, which only a new session sees.
                    await ReopenAsync(session, cancellation);
                    continue;
                }
                if (!(e.Transient || e.Fault is RepositoryFault.SessionLost) || _time.GetElapsedTime(begun) >= _patience) throw;
            }
            catch (ObjectDisposedException) when (_session != session) { continue; /* another reader has opened a new one */ }
            await Task.Delay(pause, _time, cancellation);
            await ReopenAsync(session, cancellation);
        }
    }

    // Not each of many readers, and not in a circle.
    private bool IsToLookAgain(long? chunk, string damage)
    {
        lock (_gate)
        {
            var known = _damage is not null;
            _damage = (chunk, damage);
            if (!known || _reopenedAt is { } at && _time.GetElapsedTime(at) < LookAgain) return false;
            _reopenedAt = _time.GetTimestamp();
            return true;
        }
    }

    // One that is away may come back as it was; a new session also takes over from one that others declared dead.
    private async Task ReopenAsync(Session seen, CancellationToken cancellation)
    {
        await _reopening.WaitAsync(cancellation);
        try
        {
            if (_session != seen || !(await _open(cancellation)).TryGet(out var fresh, out _)) return;
            _session = new Session(fresh, fresh.OpenIndex(_disk.Root, _disk.SizeBytes));
            await seen.Repository.DisposeAsync();
        }
        finally { _reopening.Release(); }
    }

    private sealed record Session(Repository Repository, DiskIndex Index);
}
