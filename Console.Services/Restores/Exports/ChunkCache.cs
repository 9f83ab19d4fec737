using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Exports;

/// <summary>The chunks that were read last, and those that a reader who goes straight on will ask for next.</summary>
internal sealed class ChunkCache : IAsyncDisposable
{
    private const int Ahead = 24;
    private readonly PointContent _content;
    private readonly int _capacity;
    private readonly Dictionary<long, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _order = new(); // last used first
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _fetching = new(Math.Clamp(Environment.ProcessorCount * 2, 4, 16));
    private long _expected = -1;

    /// <param name="content">Where chunks come from.</param>
    /// <param name="mebibytes">How many MiB of them are kept.</param>
    public ChunkCache(PointContent content, int mebibytes) => (_content, _capacity) = (content, Math.Max(2 * Ahead, (int)(((long)mebibytes << 20) / Repository.ChunkSize)));

    /// <summary>Fetches what a reader will want, without waiting.</summary>
    public void Announce(long first, long last)
    {
        lock (_gate)
        {
            for (var chunk = first; chunk <= last; chunk++) Begin(chunk);
            // Two readers side by side do not look like one that goes straight on; then nothing is guessed.
            if (first == _expected || first == _expected - 1)
                for (var chunk = last + 1; chunk <= Math.Min(last + Ahead, _content.ChunkCount - 1); chunk++) Begin(chunk);
            _expected = last + 1;
        }
    }

    /// <summary>A chunk; null for zeros.</summary>
    public async Task<byte[]?> GetAsync(long chunk)
    {
        Task<byte[]?> content;
        lock (_gate) content = Begin(chunk);
        try { return await content; }
        catch
        {
            // A failure is not kept: the repository may be back, or the chunk mended.
            lock (_gate)
                if (_entries.TryGetValue(chunk, out var node) && node.Value.Content == content)
                {
                    _entries.Remove(chunk);
                    _order.Remove(node);
                }
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Task[] open;
        lock (_gate) open = [.. _order.Select(e => e.Content)];
        // What fails now was asked for by nobody any more.
        await Task.WhenAll(open).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _end.Dispose();
        _fetching.Dispose();
    }

    private Task<byte[]?> Begin(long chunk)
    {
        if (_entries.TryGetValue(chunk, out var node))
        {
            _order.Remove(node);
            _order.AddFirst(node);
            return node.Value.Content;
        }
        var content = Task.Run(() => FetchAsync(chunk));
        _entries[chunk] = _order.AddFirst(new Entry(chunk, content));
        while (_order.Count > _capacity && _order.Last is { Value.Content.IsCompleted: true } oldest)
        {
            _ = oldest.Value.Content.Exception; // of a guess that nobody asked for
            _entries.Remove(oldest.Value.Chunk);
            _order.RemoveLast();
        }
        return content;
    }

    private async Task<byte[]?> FetchAsync(long chunk)
    {
        await _fetching.WaitAsync(_end.Token);
        try { return await _content.ReadAsync(chunk, _end.Token); }
        finally { _fetching.Release(); }
    }

    private sealed record Entry(long Chunk, Task<byte[]?> Content);
}
