namespace Quarterdeck.Workers.NativeGuard;

/// <summary>Looks at every guarded process ten times a second: strikes for turns that were ended, eviction of isolates whose memory passed its limit, CPU into the figures.</summary>
internal sealed class GuardPatrol
{
    /// <summary>Looks at a process from now on, until the answer is disposed; do so before the view.</summary>
    /// <param name="view">The process's file.</param>
    /// <param name="evict">Takes an isolate out of the process, by the loader's name.</param>
    public IDisposable Watch(GuardView view, Func<string, Task> evict) => throw new NotSupportedException();
}
