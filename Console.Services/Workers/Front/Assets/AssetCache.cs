using System.Collections.Concurrent;

namespace Quarterdeck.Workers.Front.Assets;

/// <summary>Static files in memory by their digest, so that only the first request for a file reads the store. The files used longest ago make room.</summary>
/// <param name="load">Reads a file by its digest; null when there is none.</param>
internal sealed class AssetCache(Func<string, CancellationToken, Task<ReadOnlyMemory<byte>?>> load)
{
    /// <summary>Bytes of all files together.</summary>
    public const long Most = 128L << 20;

    private readonly ConcurrentDictionary<string, Entry> _entries = new();
    private long _bytes, _clock;

    /// <summary>A file's bytes; null when the store has none of this digest.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string digest, CancellationToken cancellation)
    {
        if (_entries.TryGetValue(digest, out var known))
        {
            known.Used = Interlocked.Increment(ref _clock);
            return known.Content;
        }
        // on a thread of the pool: reading a database may block, and the front's own threads serve everybody
        if (await Task.Run(() => load(digest, cancellation), cancellation) is not { } content) return null;
        if (content.Length <= Most / 4 && _entries.TryAdd(digest, new Entry(content) { Used = Interlocked.Increment(ref _clock) }) && Interlocked.Add(ref _bytes, content.Length) > Most) MakeRoom();
        return content;
    }

    private void MakeRoom()
    {
        foreach (var (digest, entry) in _entries.OrderBy(e => e.Value.Used))
        {
            if (Interlocked.Read(ref _bytes) <= Most * 3 / 4) return;
            if (_entries.TryRemove(digest, out _)) Interlocked.Add(ref _bytes, -entry.Content.Length);
        }
    }

    private sealed class Entry(ReadOnlyMemory<byte> content)
    {
        public ReadOnlyMemory<byte> Content => content;
        public long Used { get; set; }
    }
}
