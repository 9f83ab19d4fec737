using System.Collections.Concurrent;
using Quarterdeck.Backups;
using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Disks;

/// <summary>Writes chunks to a served disk, neighbours together, many requests in flight.</summary>
/// <param name="client">The disk.</param>
/// <param name="size">Its size in bytes; the last chunk may be cut off by it.</param>
/// <param name="spool">Where the chunks' content comes from.</param>
/// <param name="transfer">Counts what is written.</param>
/// <param name="flushBytes">Bytes after which everything is flushed, so that a crash repeats at most this much.</param>
internal sealed class DiskWriter(NbdClient client, long size, ChunkSpool spool, Transfer transfer, long flushBytes)
{
    private const int InFlight = 8, RunChunks = 16, ZeroRunChunks = 4096;

    private readonly ConcurrentBag<byte[]> _buffers = [];
    private readonly SemaphoreSlim _places = new(InFlight);
    private readonly List<Task> _flying = [];
    private long _unflushed;

    /// <summary>Writes chunks that come in ascending order.</summary>
    /// <param name="chunks">Places and contents; zeroes are written as zeroes.</param>
    /// <param name="durable">Called after each flush with the first chunk that is not covered by it.</param>
    /// <param name="cancellation">Stops; requests in flight are waited for.</param>
    public async Task WriteAsync(IAsyncEnumerable<(long Chunk, ChunkId Id)> chunks, Action<long> durable, CancellationToken cancellation)
    {
        var run = new List<ChunkId>(RunChunks);
        long first = 0, next = 0;
        try
        {
            await foreach (var (chunk, id) in chunks.WithCancellation(cancellation))
            {
                if (run.Count > 0 && (chunk != next || id.IsZero != run[0].IsZero || run.Count == (run[0].IsZero ? ZeroRunChunks : RunChunks)))
                {
                    await BeginAsync(first, [.. run], cancellation);
                    run.Clear();
                    if (_unflushed >= flushBytes) await SettleAsync(next, durable, cancellation);
                }
                if (run.Count == 0) first = chunk;
                run.Add(id);
                next = chunk + 1;
            }
            if (run.Count > 0) await BeginAsync(first, [.. run], cancellation);
            await SettleAsync(next, durable, cancellation);
        }
        finally
        {
            await Task.WhenAll(_flying).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default); // their buffers are in use until then
        }
    }

    private async Task BeginAsync(long first, ChunkId[] run, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation);
        foreach (var ended in _flying.Where(t => t.IsCompleted).ToArray())
        {
            _flying.Remove(ended);
            await ended; // the first failure ends it all
        }
        _unflushed += (long)run.Length * Repository.ChunkSize;
        _flying.Add(Task.Run(() => RunAsync(first, run, cancellation), CancellationToken.None));
    }

    private async Task RunAsync(long first, ChunkId[] run, CancellationToken cancellation)
    {
        try
        {
            var offset = first * Repository.ChunkSize;
            var length = Math.Min((long)run.Length * Repository.ChunkSize, size - offset);
            if (run[0].IsZero) await client.WriteZeroesAsync(offset, length, cancellation);
            else
            {
                if (!_buffers.TryTake(out var buffer)) buffer = GC.AllocateUninitializedArray<byte>(RunChunks * Repository.ChunkSize, pinned: true);
                var reads = new Task[run.Length];
                for (var i = 0; i < run.Length; i++) reads[i] = spool.ReadAsync(run[i], buffer.AsMemory(i * Repository.ChunkSize, Repository.ChunkSize), cancellation);
                await Task.WhenAll(reads);
                await client.WriteAsync(offset, buffer.AsMemory(0, (int)length), cancellation);
                _buffers.Add(buffer);
            }
            transfer.AddWritten(length, run.Length);
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task SettleAsync(long next, Action<long> durable, CancellationToken cancellation)
    {
        await Task.WhenAll(_flying);
        _flying.Clear();
        await client.FlushAsync(cancellation);
        _unflushed = 0;
        durable(next);
    }
}
