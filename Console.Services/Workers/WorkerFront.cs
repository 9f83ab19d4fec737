namespace Quarterdeck.Workers;

/// <summary>The data plane of this node: where visitors of zones are served.</summary>
public sealed class WorkerFront
{
    /// <summary>Where it listens, such as <c>http://127.0.0.1:8787</c>; empty until it does.</summary>
    public IReadOnlyList<string> Addresses { get; private set; } = [];

    /// <summary>Why it does not listen, and what to do; null when it does, or was switched off by an empty <c>QUARTERDECK_WORKER_URLS</c>.</summary>
    public string? Problem { get; private set; } = "It was not opened yet.";

    /// <summary>Completes once it listens or was given up.</summary>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task OpenedAsync(CancellationToken cancellation) => _opened.Task.WaitAsync(cancellation);

    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal void Listening(IReadOnlyList<string> addresses)
    {
        (Addresses, Problem) = (addresses, null);
        _opened.TrySetResult();
    }

    internal void NotListening(string problem) => (Addresses, Problem) = ([], problem);
}
