namespace Quarterdeck.Events.Nodes;

/// <summary>Changed keys that other nodes must still hear of: each once, and bounded, however long the database is away.</summary>
internal sealed class Outbox
{
    private const int MostKeys = 5000;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _filled = new(0, 1);
    private Dictionary<string, HashSet<string>?> _topics = []; // null: too many to name

    public void Add(string topic, IReadOnlyList<string> keys)
    {
        lock (_gate)
        {
            if (!_topics.TryGetValue(topic, out var all)) _topics[topic] = all = [];
            if (all is null) return;
            foreach (var key in keys) all.Add(key);
            if (all.Count > MostKeys) _topics[topic] = null;
            Signal();
        }
    }

    public void AddAll(string topic)
    {
        lock (_gate)
        {
            _topics[topic] = null;
            Signal();
        }
    }

    /// <summary>Waits until there is something, or the time is up.</summary>
    public Task<bool> WaitAsync(TimeSpan time, CancellationToken cancellation) => _filled.WaitAsync(time, cancellation);

    /// <summary>Takes what there is.</summary>
    public IReadOnlyDictionary<string, HashSet<string>?> Take()
    {
        lock (_gate)
        {
            var taken = _topics;
            _topics = [];
            return taken;
        }
    }

    /// <summary>Sending failed: puts back what was taken.</summary>
    public void PutBack(IReadOnlyDictionary<string, HashSet<string>?> taken)
    {
        foreach (var (topic, keys) in taken)
            if (keys is null) AddAll(topic);
            else Add(topic, [.. keys]);
    }

    private void Signal()
    {
        if (_filled.CurrentCount == 0) _filled.Release();
    }
}
