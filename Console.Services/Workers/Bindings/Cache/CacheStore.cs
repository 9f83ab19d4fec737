namespace Quarterdeck.Workers.Bindings.Cache;

/// <summary>What the workers of this node keep, in memory: the least recently used goes first, and one worker never takes more than a quarter of the room.</summary>
internal sealed class CacheStore(TimeProvider time)
{
    /// <summary>Room for all workers together, and for one, bytes.</summary>
    public const long MostBytes = 128L << 20, MostOfOne = MostBytes / 4;

    // What an entry costs besides its body, roughly.
    private const int Around = 512;

    private readonly Lock _lock = new();
    private readonly Dictionary<CacheKey, LinkedListNode<(CacheKey Key, CachedAnswer Answer, long Bytes)>> _kept = [];
    private readonly LinkedList<(CacheKey Key, CachedAnswer Answer, long Bytes)> _order = [];
    private readonly Dictionary<long, long> _ofWorker = [];
    private long _bytes;

    /// <summary>What is kept; null when it is not, or not any more.</summary>
    public CachedAnswer? Find(CacheKey key)
    {
        lock (_lock)
        {
            if (!_kept.TryGetValue(key, out var node)) return null;
            _order.Remove(node);
            if (node.Value.Answer.Until <= time.GetUtcNow())
            {
                Forget(node);
                return null;
            }
            _order.AddFirst(node);
            return node.Value.Answer;
        }
    }

    /// <summary>Keeps an answer in the place of another.</summary>
    public void Put(CacheKey key, CachedAnswer answer)
    {
        var bytes = answer.Body.Length + Around + 2L * (key.Url.Length + answer.Headers.Sum(h => h.Key.Length + h.Value.Length));
        lock (_lock)
        {
            RemoveLocked(key);
            if (bytes > MostOfOne) return;
            while (_ofWorker.GetValueOrDefault(key.Serial) + bytes > MostOfOne) RemoveLast(of: key.Serial);
            while (_bytes + bytes > MostBytes) RemoveLast(of: null);
            _kept[key] = _order.AddFirst((key, answer, bytes));
            _ofWorker[key.Serial] = _ofWorker.GetValueOrDefault(key.Serial) + bytes;
            _bytes += bytes;
        }
    }

    /// <summary>Whether there was something to forget.</summary>
    public bool Remove(CacheKey key)
    {
        lock (_lock) return RemoveLocked(key);
    }

    private bool RemoveLocked(CacheKey key)
    {
        if (!_kept.TryGetValue(key, out var node)) return false;
        _order.Remove(node);
        Forget(node);
        return node.Value.Answer.Until > time.GetUtcNow();
    }

    private void RemoveLast(long? of)
    {
        var node = _order.Last!;
        while (of is not null && node.Value.Key.Serial != of) node = node.Previous!;
        _order.Remove(node);
        Forget(node);
    }

    private void Forget(LinkedListNode<(CacheKey Key, CachedAnswer Answer, long Bytes)> node)
    {
        var (key, _, bytes) = node.Value;
        _kept.Remove(key);
        _bytes -= bytes;
        if ((_ofWorker[key.Serial] -= bytes) == 0) _ofWorker.Remove(key.Serial);
    }
}

/// <summary>Where an answer is kept.</summary>
/// <param name="Serial">Whose it is: workers do not share caches.</param>
/// <param name="Cache">Name of the cache; empty for <c>caches.default</c>.</param>
/// <param name="Url">The request's URL.</param>
internal readonly record struct CacheKey(long Serial, string Cache, string Url);
