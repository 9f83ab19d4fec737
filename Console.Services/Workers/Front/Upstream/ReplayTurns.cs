namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>Requests that came back from a compute server which ended are sent again one by one: whoever ended it soon meets nobody, and can be told from the others.</summary>
/// <remarks>The newest goes first: those that only waited behind an endless turn came after it, and have their answer before it is tried again.</remarks>
internal sealed class ReplayTurns(IUpstream server)
{
    // An answer may take long, and others are not to wait for ever.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    // An end that nobody noticed yet is noticed within this time, or there was none.
    private static readonly TimeSpan Unnoticed = TimeSpan.FromMilliseconds(100), Between = TimeSpan.FromMilliseconds(5);

    private readonly Lock _gate = new();
    private readonly PriorityQueue<TaskCompletionSource, long> _waiting = new();
    private bool _held;

    /// <summary>Waits for a turn; dispose it after the request. Null when the visitor went away, or the wait was given up: what is sent next notices.</summary>
    /// <param name="began">When the request came; a later one goes first.</param>
    /// <param name="ended">The generation of the server that ended under it; -1 when none did.</param>
    /// <param name="gone">The visitor went away.</param>
    public async ValueTask<IDisposable?> TakeAsync(long began, int ended, CancellationToken gone)
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate) _waiting.Enqueue(mine, -began);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(gone);
        late.CancelAfter(Longest);
        try
        {
            // All that came back stand in the queue before the first of them may go.
            await BackAsync(ended, late.Token);
            Next();
            await mine.Task.WaitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            if (mine.TrySetCanceled(CancellationToken.None)) return null;
        }
        return new Turn(this);
    }

    private async Task BackAsync(int ended, CancellationToken cancellation)
    {
        for (var unnoticed = TimeSpan.Zero; server.Generation <= ended && server.IsUp && unnoticed < Unnoticed; unnoticed += Between) await Task.Delay(Between, cancellation);
        if (!server.IsUp) await server.ReadyAsync(cancellation);
    }

    private void Next()
    {
        lock (_gate)
            while (!_held && _waiting.TryDequeue(out var next, out _)) _held = next.TrySetResult();
    }

    private sealed class Turn(ReplayTurns turns) : IDisposable
    {
        public void Dispose()
        {
            lock (turns._gate) turns._held = false;
            turns.Next();
        }
    }
}
