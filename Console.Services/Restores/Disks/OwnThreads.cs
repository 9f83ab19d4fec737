using System.Threading.Channels;

namespace Quarterdeck.Restores.Disks;

/// <summary>Works through a sequence on threads that may wait for disks: the pool of a small machine has hardly more threads than cores, and others need them.</summary>
internal static class OwnThreads
{
    /// <summary>Calls <paramref name="work"/> for each item; ends when all calls have, the first failure ends the rest.</summary>
    /// <param name="items">Read one at a time, a little ahead.</param>
    /// <param name="threads">How many.</param>
    /// <param name="work">May block. Its second argument stops it.</param>
    /// <param name="cancellation">Stops all.</param>
    public static async Task ForEachAsync<T>(IAsyncEnumerable<T> items, int threads, Action<T, CancellationToken> work, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var queue = Channel.CreateBounded<T>(new BoundedChannelOptions(64 * threads) { SingleWriter = true });
        var workers = Enumerable.Range(0, threads).Select(_ => Task.Factory.StartNew(() => Work(queue.Reader, work, stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();
        try
        {
            await foreach (var item in items.WithCancellation(stop.Token)) await queue.Writer.WriteAsync(item, stop.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { /* a call failed: it is thrown below */ }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
        finally
        {
            queue.Writer.Complete();
            await Task.WhenAll(workers).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
        var failed = workers.FirstOrDefault(w => w.IsFaulted && w.Exception!.InnerException is not OperationCanceledException);
        await (failed ?? Task.WhenAll(workers));
    }

    private static void Work<T>(ChannelReader<T> queue, Action<T, CancellationToken> work, CancellationTokenSource stop)
    {
        try
        {
            while (queue.WaitToReadAsync(stop.Token).AsTask().GetAwaiter().GetResult())
                while (queue.TryRead(out var item))
                {
                    stop.Token.ThrowIfCancellationRequested();
                    work(item, stop.Token);
                }
        }
        catch
        {
            stop.Cancel();
            throw;
        }
    }
}
