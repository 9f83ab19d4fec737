namespace Quarterdeck.Events.Streams;

/// <summary>What changed between two positions, each key once.</summary>
internal sealed record Changes<T>(long From, long To, LiveBatch<T>? Changed, LiveBatch<T>? Removed);

/// <summary>The last changes of a topic, in order, for any number of readers.</summary>
internal sealed class ChangeRing<T>(Func<T, string> key, int capacity)
{
    private readonly Lock _gate = new();
    private readonly Entry[] _entries = new Entry[capacity];
    private readonly HashSet<string> _seen = [];
    private long _head;
    private int _epoch;
    private int _readers;
    private Changes<T>? _latest;
    private TaskCompletionSource? _pulse;

    /// <summary>Whether anyone reads; when not, changes need not even be loaded.</summary>
    public bool HasReaders { get { lock (_gate) return _readers > 0; } }

    public void Append(IReadOnlyList<T> items)
    {
        TaskCompletionSource? pulse;
        lock (_gate)
        {
            if (_readers == 0) return;
            for (var i = Skip(items.Count); i < items.Count; i++) Put(new Entry(key(items[i]), items[i], Removed: false));
            pulse = TakePulse();
        }
        pulse?.TrySetResult();
    }

    public void AppendRemoved(IReadOnlyList<string> keys)
    {
        TaskCompletionSource? pulse;
        lock (_gate)
        {
            if (_readers == 0) return;
            for (var i = Skip(keys.Count); i < keys.Count; i++) Put(new Entry(keys[i], default, Removed: true));
            pulse = TakePulse();
        }
        pulse?.TrySetResult();
    }

    /// <summary>Every reader starts again from a snapshot.</summary>
    public void Reset()
    {
        TaskCompletionSource? pulse;
        lock (_gate)
        {
            _epoch++;
            pulse = TakePulse();
        }
        pulse?.TrySetResult();
    }

    public Reader Subscribe() => new(this);

    // More than the ring holds at once: nobody can read the first ones, so they are only counted.
    private int Skip(int count)
    {
        var skip = Math.Max(0, count - capacity);
        _head += skip;
        return skip;
    }

    private void Put(Entry entry) => _entries[_head++ % capacity] = entry;

    private TaskCompletionSource? TakePulse()
    {
        var pulse = _pulse;
        _pulse = null;
        return pulse;
    }

    // Readers at the same place share one result, so a change costs one list however many pages show it.
    private Changes<T> Coalesce(long from)
    {
        if (_latest is { } latest && latest.From == from && latest.To == _head) return latest;
        _seen.Clear();
        List<T>? items = null;
        List<string>? removed = null;
        for (var at = _head - 1; at >= from; at--)
        {
            var entry = _entries[at % capacity];
            if (!_seen.Add(entry.Key)) continue;
            if (entry.Removed) (removed ??= []).Add(entry.Key);
            else (items ??= []).Add(entry.Item!);
        }
        items?.Reverse();
        removed?.Reverse();
        return _latest = new Changes<T>(from, _head,
            items is null ? null : new LiveBatch<T>(_head, LiveKind.Change, items, []),
            removed is null ? null : new LiveBatch<T>(_head, LiveKind.Removed, [], removed));
    }

    private readonly record struct Entry(string Key, T? Item, bool Removed);

    /// <summary>One subscriber's place in the ring.</summary>
    internal sealed class Reader : IDisposable
    {
        private readonly ChangeRing<T> _ring;
        private long _position;
        private int _epoch;

        public Reader(ChangeRing<T> ring)
        {
            _ring = ring;
            lock (ring._gate) ring._readers++;
        }

        /// <summary>Moves to the newest change, before a snapshot; returns its sequence.</summary>
        public long Restart()
        {
            lock (_ring._gate)
            {
                _epoch = _ring._epoch;
                return _position = _ring._head;
            }
        }

        /// <summary>Ends when there is something to read, or a gap.</summary>
        public Task WaitAsync(CancellationToken cancellation)
        {
            lock (_ring._gate)
            {
                if (_ring._head != _position || _ring._epoch != _epoch) return Task.CompletedTask;
                // Continuations run elsewhere: a subscriber's code never runs on the publisher's thread.
                return (_ring._pulse ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(cancellation);
            }
        }

        /// <summary>What changed since the last call; null when some of it is lost.</summary>
        public Changes<T>? Read()
        {
            lock (_ring._gate)
            {
                if (_ring._epoch != _epoch || _ring._head - _position > _ring._entries.Length) return null;
                var changes = _ring.Coalesce(_position);
                _position = changes.To;
                return changes;
            }
        }

        public void Dispose()
        {
            lock (_ring._gate)
            {
                if (--_ring._readers > 0) return;
                // Nobody reads: let go of the items.
                Array.Clear(_ring._entries);
                _ring._latest = null;
            }
        }
    }
}
