using Quarterdeck.Restores.Disks;

namespace Quarterdeck.Tests.Restores;

/// <summary>Work on threads that may wait: all of it is done, and nothing goes on after a failure or a stop.</summary>
public sealed class OwnThreadsTests
{
    [Fact]
    public async Task Every_item_is_worked_on_once_and_not_by_the_pool()
    {
        var (sum, pooled) = (0L, 0);
        await OwnThreads.ForEachAsync(Enumerable.Range(1, 10_000).ToAsyncEnumerable(), 8, (i, _) =>
        {
            Interlocked.Add(ref sum, i);
            if (Thread.CurrentThread.IsThreadPoolThread) Interlocked.Increment(ref pooled);
        }, CancellationToken.None);
        sum.ShouldBe(10_000L * 10_001 / 2);
        pooled.ShouldBe(0);
    }

    [Fact]
    public async Task The_first_failure_is_thrown_ends_the_rest_and_stops_who_waits()
    {
        var waiting = new CountdownEvent(3);
        var failure = await Should.ThrowAsync<IOException>(OwnThreads.ForEachAsync(Enumerable.Range(0, int.MaxValue).ToAsyncEnumerable(), 4, (i, stop) =>
        {
            if (i < 3)
            {
                waiting.Signal();
                stop.WaitHandle.WaitOne();
                stop.ThrowIfCancellationRequested();
            }
            waiting.Wait(stop);
            throw new IOException("full");
        }, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60)));
        failure.Message.ShouldBe("full");
    }

    [Fact]
    public async Task A_stop_from_outside_and_a_failure_of_the_sequence_end_it()
    {
        using var stop = new CancellationTokenSource();
        var calls = 0;
        await Should.ThrowAsync<OperationCanceledException>(OwnThreads.ForEachAsync(Enumerable.Range(0, int.MaxValue).ToAsyncEnumerable(), 4, (i, _) =>
        {
            if (Interlocked.Increment(ref calls) == 100) stop.Cancel();
        }, stop.Token).WaitAsync(TimeSpan.FromSeconds(60)));
        await Should.ThrowAsync<InvalidDataException>(OwnThreads.ForEachAsync(Broken(), 4, (_, _) => { }, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60)));
    }

    private static async IAsyncEnumerable<int> Broken()
    {
        yield return 1;
        await Task.Yield();
        throw new InvalidDataException();
    }
}
