using System.Threading.Tasks.Sources;

namespace Quarterdeck.Workers.Front.Transport;

/// <summary>Whether one direction of a socket may be tried, and who waits until it may. One thread waits at a time; the loop tells from its own.</summary>
/// <remarks>The kernel tells of each change once. So a try first takes the mark away, and a change during the try puts it back: none is lost.</remarks>
internal sealed class Readiness : IValueTaskSource
{
    private const int Open = 0, Drained = 1, Waited = 2;
    private ManualResetValueTaskSourceCore<bool> _source; // goes on in the loop's thread: that is what all of this is for
    private int _state;

    /// <summary>False when a try is of no use before the next change.</summary>
    public bool IsOpen => Volatile.Read(ref _state) == Open;

    /// <summary>A try begins; what changes from now on is noticed.</summary>
    public void Take() => Interlocked.Exchange(ref _state, Drained);

    /// <summary>There may be more.</summary>
    public void Reopen() => Volatile.Write(ref _state, Open);

    /// <summary>Completes at the next change, or at once if there was one since <see cref="Take"/>.</summary>
    public ValueTask ChangedAsync()
    {
        _source.Reset();
        return Interlocked.CompareExchange(ref _state, Waited, Drained) == Drained ? new ValueTask(this, _source.Version) : ValueTask.CompletedTask;
    }

    /// <summary>Something changed.</summary>
    public void Change()
    {
        if (Interlocked.Exchange(ref _state, Open) == Waited) _source.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _source.OnCompleted(continuation, state, token, flags);
}
