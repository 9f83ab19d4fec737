namespace Quarterdeck.Events.Streams;

/// <summary>Loads changed items by key, once for all subscribers, and hands them on. What it hands on is never older than the last change it was told of.</summary>
internal sealed class KeyLoader<T>(
    Func<T, string> key, Func<IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<T>>> load, ChangeRing<T> ring, EventBus bus)
{
    private const int Most = 500;
    private const int TooMany = 2000;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly HashSet<string> _waiting = [];
    private readonly HashSet<string> _loading = [];
    private readonly Dictionary<string, long> _recent = []; // key -> when it was last said to have changed elsewhere
    private bool _running;

    /// <summary>These items changed: load them soon.</summary>
    public void Load(IReadOnlyList<string> keys)
    {
        lock (_gate)
        {
            var now = bus.Time.GetTimestamp();
            foreach (var (old, said) in _recent)
                if (bus.Time.GetElapsedTime(said, now) > Settled) _recent.Remove(old);
            foreach (var one in keys) _recent[one] = now;
        }
        Enqueue(keys);
    }

    private void Enqueue(IReadOnlyList<string> keys)
    {
        // Nobody watches: who subscribes later reads a snapshot that has the change.
        if (!ring.HasReaders) return;
        lock (_gate)
        {
            foreach (var one in keys) _waiting.Add(one);
            if (_waiting.Count > TooMany)
            {
                _waiting.Clear();
                ring.Reset();
                return;
            }
            if (_running) return;
            _running = true;
        }
        _ = Task.Run(RunAsync);
    }

    /// <summary>Whether <see cref="PublishedHere"/> has anything to compare with: a topic that is only ever published to never has.</summary>
    public bool MayDoubt { get { lock (_gate) return _recent.Count > 0 || _loading.Count > 0; } }

    /// <summary>These items were published here. If a load of them is under way or only just over, its result may have been older or newer: load again.</summary>
    public void PublishedHere(IReadOnlyList<string> keys)
    {
        List<string>? doubtful = null;
        lock (_gate)
        {
            foreach (var one in keys)
                if (_loading.Contains(one) || (_recent.TryGetValue(one, out var said) && bus.Time.GetElapsedTime(said) <= Settled)) (doubtful ??= []).Add(one);
        }
        if (doubtful is not null) Enqueue(doubtful);
    }

    private async Task RunAsync()
    {
        var pause = TimeSpan.FromMilliseconds(200);
        while (Take() is { } keys)
        {
            try
            {
                var items = await load(keys, bus.Stopping);
                var gone = keys.ToHashSet();
                foreach (var item in items) gone.Remove(key(item));
                ring.Append(items);
                if (gone.Count > 0) ring.AppendRemoved([.. gone]);
                pause = TimeSpan.FromMilliseconds(200);
            }
            catch (OperationCanceledException) when (bus.Stopping.IsCancellationRequested) { return; }
            catch (Exception e)
            {
                bus.LoadFailed(e, pause);
                lock (_gate) _waiting.UnionWith(keys);
                await Task.Delay(pause, bus.Time, CancellationToken.None);
                pause = TimeSpan.FromSeconds(Math.Min(5, pause.TotalSeconds * 2));
            }
        }
    }

    private string[]? Take()
    {
        lock (_gate)
        {
            _loading.Clear();
            if (_waiting.Count == 0)
            {
                _running = false;
                return null;
            }
            var keys = _waiting.Take(Most).ToArray();
            _loading.UnionWith(keys);
            _waiting.ExceptWith(keys);
            return keys;
        }
    }
}
