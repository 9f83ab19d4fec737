using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Events;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Events;

public sealed class EventStreamTests
{
    private readonly ConcurrentDictionary<string, int> _source = new();
    private readonly EventStream<Item> _stream;

    public EventStreamTests() => _stream = Stream(capacity: 4096);

    private EventStream<Item> Stream(int capacity) => new("things", i => i.Key, LoadAsync, NewBus(), capacity);

    private static EventBus NewBus() => new(TestDatabase.OptionsFor("/nonexistent", null), TimeProvider.System, NullLogger<EventBus>.Instance);

    private Task<IReadOnlyList<Item>> LoadAsync(IReadOnlyList<string> keys, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<Item>>([.. keys.Where(_source.ContainsKey).Select(k => new Item(k, _source[k]))]);

    private Task<IReadOnlyList<Item>> SnapshotAsync() => Task.FromResult<IReadOnlyList<Item>>([.. _source.Select(i => new Item(i.Key, i.Value))]);

    private void Set(EventStream<Item> stream, string key, int value)
    {
        _source[key] = value;
        stream.Publish(new Item(key, value));
    }

    [Fact]
    public async Task A_subscriber_gets_what_there_is_and_then_what_changes()
    {
        _source["a"] = 1;
        await using var view = new View(_stream, SnapshotAsync);
        await view.ShouldBecomeAsync(_source);
        Set(_stream, "b", 2);
        Set(_stream, "a", 3);
        await view.ShouldBecomeAsync(_source);
        _source.TryRemove("a", out _);
        _stream.Remove("a");
        await view.ShouldBecomeAsync(_source);
        view.Snapshots.ShouldBe(1);
    }

    [Fact]
    public async Task A_change_while_the_snapshot_is_read_is_not_lost()
    {
        var reading = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        await using var view = new View(_stream, async () =>
        {
            var old = await SnapshotAsync();
            reading.SetResult();
            await go.Task;
            return old;
        });
        await reading.Task;
        Set(_stream, "a", 1);
        go.SetResult();
        await view.ShouldBecomeAsync(_source);
    }

    [Fact]
    public async Task A_slow_subscriber_gets_one_batch_with_the_last_value_of_each_key()
    {
        var go = new SemaphoreSlim(0);
        await using var view = new View(_stream, SnapshotAsync, () => go.WaitAsync());
        while (view.Batches == 0) await Task.Delay(1);
        for (var i = 0; i < 1000; i++) Set(_stream, "k" + i % 10, i);
        go.Release(2);
        await view.ShouldBecomeAsync(_source);
        view.Batches.ShouldBe(2);
        view.Snapshots.ShouldBe(1);
        go.Release(100);
    }

    [Fact]
    public async Task A_subscriber_that_falls_behind_the_ring_gets_a_new_snapshot_and_nobody_waits_for_it()
    {
        var stream = Stream(capacity: 8);
        var go = new SemaphoreSlim(0);
        await using var stuck = new View(stream, SnapshotAsync, () => go.WaitAsync());
        await using var quick = new View(stream, SnapshotAsync);
        while (stuck.Batches == 0 || quick.Batches == 0) await Task.Delay(1);
        for (var i = 0; i < 100; i++) Set(stream, "k" + i, i);
        await quick.ShouldBecomeAsync(_source);
        stuck.Batches.ShouldBe(1);
        go.Release(1000);
        await stuck.ShouldBecomeAsync(_source);
        stuck.Snapshots.ShouldBe(2);
    }

    [Fact]
    public async Task A_batch_larger_than_the_ring_becomes_a_snapshot()
    {
        var stream = Stream(capacity: 8);
        await using var view = new View(stream, SnapshotAsync);
        while (view.Batches == 0) await Task.Delay(1);
        for (var i = 0; i < 50; i++) _source["k" + i] = i;
        stream.Publish([.. _source.Select(i => new Item(i.Key, i.Value))]);
        await view.ShouldBecomeAsync(_source);
    }

    [Fact]
    public async Task Subscribers_at_one_pace_get_batches_no_faster_than_they_asked()
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await using var view = new View(_stream, SnapshotAsync, pace: TimeSpan.FromMilliseconds(200));
        while (view.Batches == 0) await Task.Delay(1);
        for (var i = 0; i < 100; i++)
        {
            Set(_stream, "a", i);
            await Task.Delay(5);
        }
        await view.ShouldBecomeAsync(_source);
        view.Batches.ShouldBeInRange(2, 2 + (int)(watch.ElapsedMilliseconds / 200));
    }

    [Fact]
    public async Task A_snapshot_that_fails_ends_the_subscription_with_its_error()
    {
        var view = new View(_stream, () => throw new InvalidDataException("away"));
        await Should.ThrowAsync<InvalidDataException>(view.ShouldBecomeAsync(new Dictionary<string, int> { ["x"] = 1 }));
    }

    [Fact]
    public async Task Changed_converges_although_many_writers_change_one_key_at_once()
    {
        await using var view = new View(_stream, SnapshotAsync);
        while (view.Batches == 0) await Task.Delay(1);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                _source["k" + i % 3] = writer * 1000 + i;
                await Task.Yield();
                _stream.Changed("k" + i % 3);
            }
        })));
        await view.ShouldBecomeAsync(_source);
    }

    [Fact]
    public async Task Publishing_to_two_hundred_subscribers_allocates_no_more_than_to_one()
    {
        var items = Enumerable.Range(0, 100).Select(i => new Item("k" + i, i)).ToArray();
        async Task<long> MeasureAsync(int subscribers)
        {
            var stream = Stream(capacity: 4096);
            var stop = new SemaphoreSlim(0);
            var views = Enumerable.Range(0, subscribers).Select(_ => new View(stream, SnapshotAsync, () => stop.WaitAsync())).ToArray();
            foreach (var view in views)
                while (view.Batches == 0) await Task.Delay(1);
            stream.Publish(items);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++) stream.Publish(items);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            stop.Release(100_000);
            foreach (var view in views) await view.DisposeAsync();
            return allocated;
        }
        (await MeasureAsync(200)).ShouldBeLessThanOrEqualTo(await MeasureAsync(1) + 1024);
    }

    /// <summary>The model: whatever happens in whatever order, once it is quiet every view equals the source.</summary>
    [Fact]
    public void After_quiet_every_view_equals_the_source() =>
        Prop.ForAll<byte[], byte>((steps, capacity) => RunAsync(steps, 1 + capacity % 40).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    private static async Task RunAsync(byte[] steps, int capacity)
    {
        var test = new EventStreamTests();
        var stream = test.Stream(capacity);
        var random = new Random(steps.Length);
        var views = new List<View>();
        Func<Task>?[] speeds = [null, () => Task.Yield().AsTask(), () => Task.Delay(1)];
        try
        {
            foreach (var step in steps)
            {
                var key = "k" + step % 7;
                switch (step % 11)
                {
                    case 0: test._source.TryRemove(key, out _); stream.Remove(key); break;
                    case 1: test._source[key] = random.Next(); stream.Changed(key); break;
                    case 2: stream.ChangedAll(); break;
                    case 3 when views.Count < 6: views.Add(new View(stream, test.SnapshotAsync, speeds[step % 3])); break;
                    case 4: await Task.Yield(); break;
                    case 5:
                        foreach (var one in (string[])["k0", "k3", "k6"]) test._source[one] = random.Next();
                        stream.Publish([.. new[] { "k0", "k3", "k6" }.Select(k => new Item(k, test._source[k]))]);
                        break;
                    default: test.Set(stream, key, random.Next()); break;
                }
            }
            views.Add(new View(stream, test.SnapshotAsync));
            foreach (var view in views) await view.ShouldBecomeAsync(test._source);
        }
        finally
        {
            foreach (var view in views) await view.DisposeAsync();
        }
    }
}

internal static class YieldTask
{
    public static async Task AsTask(this System.Runtime.CompilerServices.YieldAwaitable yield) => await yield;
}
