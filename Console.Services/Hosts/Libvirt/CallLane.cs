using System.Collections.Concurrent;

namespace Quarterdeck.Hosts.Libvirt;

/// <summary>A few threads of one connection that make its blocking calls, so that a hung hypervisor holds up these threads only.</summary>
/// <remarks>
/// A call that takes too long fails for its caller at once; its thread stays in libvirt until libvirt returns (when the service
/// goes on, or ends) and then serves the next. <see cref="Abandon"/> fails everything that waits and lets the threads end as
/// they return, each running <paramref name="leave"/>. Threads are made when first needed.
/// </remarks>
internal sealed class CallLane(string name, int threads, Action leave)
{
    private readonly BlockingCollection<Call> _calls = [];
    private readonly ConcurrentDictionary<Call, bool> _open = new();
    private readonly Lock _gate = new();
    private Exception? _abandoned;
    private int _running;
    private int _idle;

    /// <summary>Runs a blocking call on one of the threads.</summary>
    /// <param name="call">The call; checks its errors itself.</param>
    /// <param name="what">For messages, such as <c>start the VM</c>.</param>
    /// <param name="limit">How long the caller waits, queueing included.</param>
    /// <param name="cancellation">Gives the wait up; a call that began goes on.</param>
    public async Task<T> RunAsync<T>(Func<T> call, string what, TimeSpan limit, CancellationToken cancellation)
    {
        var outcome = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var entry = new Call(
            () =>
            {
                if (outcome.Task.IsCompleted) return;
                try { outcome.TrySetResult(call()); }
                catch (Exception e) { outcome.TrySetException(e); }
            },
            e => outcome.TrySetException(e));
        Enqueue(entry);
        try { return await outcome.Task.WaitAsync(limit, cancellation); }
        catch (TimeoutException)
        {
            var late = new HypervisorException(HypervisorError.TimedOut, what, $"There was no answer within {limit.TotalSeconds:0.#} s.");
            outcome.TrySetException(late); // so that a call still queued is skipped
            throw late;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            outcome.TrySetCanceled(cancellation);
            throw;
        }
        finally
        {
            _open.TryRemove(entry, out _);
            _ = outcome.Task.Exception; // observed
        }
    }

    /// <summary>Fails all calls, present and future, and lets the threads end; <paramref name="atLeastOne"/> makes one that ends, should there be none.</summary>
    public void Abandon(Exception reason, bool atLeastOne = false)
    {
        lock (_gate)
        {
            if (_abandoned is not null) return;
            _abandoned = reason;
            if (atLeastOne && _running == 0) StartThread();
            _calls.CompleteAdding();
        }
        foreach (var call in _open.Keys) call.Fail(reason);
    }

    private void Enqueue(Call call)
    {
        lock (_gate)
        {
            if (_abandoned is not null) throw _abandoned;
            _open[call] = true;
            Add(call);
        }
    }

    private void Add(Call call)
    {
        _calls.Add(call);
        if (_running >= threads || Volatile.Read(ref _idle) >= _calls.Count) return;
        StartThread();
    }

    private void StartThread()
    {
        Interlocked.Increment(ref _running);
        new Thread(Serve, 512 * 1024) { IsBackground = true, Name = name }.Start();
    }

    private void Serve()
    {
        while (true)
        {
            Interlocked.Increment(ref _idle);
            var more = _calls.TryTake(out var call, Timeout.Infinite);
            Interlocked.Decrement(ref _idle);
            if (!more) break;
            call!.Run();
        }
        leave();
        Interlocked.Decrement(ref _running);
    }

    private sealed record Call(Action Run, Action<Exception> Fail);
}
