using System.Collections.Concurrent;

namespace Quarterdeck.Tests.Operations;

/// <summary>Lets a test see where handlers are, and hold them there.</summary>
internal sealed class Gates
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _entered = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _open = new();

    /// <summary>In the handler: says that it is here, and waits until the test opens the gate.</summary>
    public async Task EnterAsync(string name, CancellationToken cancellation)
    {
        Of(_entered, name).TrySetResult();
        await Of(_open, name).Task.WaitAsync(cancellation);
    }

    /// <summary>In the test: waits until a handler is at the gate.</summary>
    public Task EnteredAsync(string name) => Of(_entered, name).Task.WaitAsync(TimeSpan.FromSeconds(20));

    public bool HasEntered(string name) => Of(_entered, name).Task.IsCompleted;

    public void Open(string name) => Of(_open, name).TrySetResult();

    private static TaskCompletionSource Of(ConcurrentDictionary<string, TaskCompletionSource> all, string name) =>
        all.GetOrAdd(name, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
