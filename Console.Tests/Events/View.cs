using Quarterdeck.Events;

namespace Quarterdeck.Tests.Events;

/// <summary>What the tests publish.</summary>
public sealed record Item(string Key, int Value);

/// <summary>What a page does with a subscription: keeps a picture of the source.</summary>
internal sealed class View : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<string, int> _items = [];
    private readonly Task _reading;
    private long _sequence = -1;

    /// <param name="stream">What it follows.</param>
    /// <param name="snapshot">Reads the source.</param>
    /// <param name="slow">How long it thinks about each batch.</param>
    /// <param name="pace">The pace that it asks for.</param>
    public View(EventStream<Item> stream, Func<Task<IReadOnlyList<Item>>> snapshot, Func<Task>? slow = null, TimeSpan pace = default) => _reading = Task.Run(async () =>
    {
        try
        {
            await foreach (var batch in stream.SubscribeAsync(_ => snapshot(), _end.Token, pace))
            {
                Apply(batch);
                if (slow is not null) await slow();
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested) { }
    });

    public int Snapshots { get; private set; }

    public int Batches { get; private set; }

    public Dictionary<string, int> Items { get { lock (_items) return new(_items); } }

    /// <summary>Waits until the view is as told; fails with both pictures after a minute.</summary>
    public async Task ShouldBecomeAsync(IReadOnlyDictionary<string, int> source, int seconds = 60)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); !Same(Items, source) && DateTime.UtcNow < until && !_reading.IsCompleted;) await Task.Delay(2);
        if (_reading.IsFaulted) await _reading;
        Items.OrderBy(i => i.Key).ShouldBe(source.OrderBy(i => i.Key));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _reading;
    }

    private static bool Same(Dictionary<string, int> a, IReadOnlyDictionary<string, int> b) => a.Count == b.Count && a.All(i => b.TryGetValue(i.Key, out var value) && value == i.Value);

    private void Apply(LiveBatch<Item> batch)
    {
        lock (_items)
        {
            batch.Sequence.ShouldBeGreaterThanOrEqualTo(_sequence);
            _sequence = batch.Sequence;
            Batches++;
            if (batch.Kind is LiveKind.Snapshot)
            {
                Snapshots++;
                _items.Clear();
            }
            batch.Items.Select(i => i.Key).ShouldBeUnique();
            foreach (var item in batch.Items) _items[item.Key] = item.Value;
            foreach (var key in batch.Keys) _items.Remove(key);
        }
    }
}
