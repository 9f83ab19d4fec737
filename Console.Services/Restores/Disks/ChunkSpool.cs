using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Disks;

/// <summary>Chunks that were fetched and checked and wait to be written: first in memory, then in a file without a name, so that none has to come from the repository twice.</summary>
/// <param name="repository">Where they come from.</param>
/// <param name="memoryBytes">Most bytes to hold in memory.</param>
/// <param name="folder">Where the file is made; what is held there is limited by its free room.</param>
/// <param name="transfer">Counts what is fetched.</param>
internal sealed class ChunkSpool(Repository repository, long memoryBytes, string folder, Transfer transfer) : IDisposable
{
    private const long LeaveFree = 1L << 30;
    private readonly ConcurrentDictionary<ChunkId, byte[]> _memory = new();
    private readonly ConcurrentDictionary<ChunkId, long> _places = new();
    private readonly Lock _gate = new();
    private long _memoryLeft = memoryBytes, _fileLeft = -1, _end;
    private SafeFileHandle? _file;

    /// <summary>Fetches a chunk, which checks it against its id, and holds it if there is room.</summary>
    public async Task HoldAsync(ChunkId id, CancellationToken cancellation)
    {
        if (id.IsZero || _memory.ContainsKey(id) || _places.ContainsKey(id)) return;
        var buffer = ArrayPool<byte>.Shared.Rent(Repository.ChunkSize);
        await FetchAsync(id, buffer, cancellation);
        if (Interlocked.Add(ref _memoryLeft, -Repository.ChunkSize) >= 0 && _memory.TryAdd(id, buffer)) return;
        Interlocked.Add(ref _memoryLeft, Repository.ChunkSize);
        if (!_memory.ContainsKey(id) && Place() is { } place)
        {
            await RandomAccess.WriteAsync(_file!, buffer.AsMemory(0, Repository.ChunkSize), place, cancellation);
            _places[id] = place;
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Fills <paramref name="into"/> (one chunk) with what is held, or else from the repository.</summary>
    public async Task ReadAsync(ChunkId id, Memory<byte> into, CancellationToken cancellation)
    {
        if (_memory.TryGetValue(id, out var held)) held.AsSpan(0, Repository.ChunkSize).CopyTo(into.Span);
        else if (!_places.TryGetValue(id, out var place)) await FetchAsync(id, into, cancellation);
        else if (await RandomAccess.ReadAsync(_file!, into[..Repository.ChunkSize], place, cancellation) != Repository.ChunkSize) throw new IOException("The spool of the restore is shorter than what was written to it.");
    }

    /// <summary>Lets everything go.</summary>
    public void Dispose()
    {
        _file?.Dispose();
        foreach (var buffer in _memory.Values) ArrayPool<byte>.Shared.Return(buffer);
        _memory.Clear();
        _places.Clear();
    }

    private async Task FetchAsync(ChunkId id, Memory<byte> into, CancellationToken cancellation)
    {
        await repository.ReadAsync(id, into[..Repository.ChunkSize], cancellation);
        transfer.AddSent(repository.StoredBytesOf(id));
    }

    // Null when the room is used up: the chunk is then fetched a second time when it is written.
    private long? Place()
    {
        lock (_gate)
        {
            if (_fileLeft < 0) _fileLeft = Math.Max(0, new DriveInfo(folder).AvailableFreeSpace - LeaveFree);
            if (_fileLeft < Repository.ChunkSize) return null;
            if (_file is null)
            {
                var path = Path.Combine(folder, $"restore-{Guid.NewGuid():N}.spool");
                _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
                File.Delete(path); // gone with the process, however that ends
            }
            _fileLeft -= Repository.ChunkSize;
            _end += Repository.ChunkSize;
            return _end - Repository.ChunkSize;
        }
    }
}
