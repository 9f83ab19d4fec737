using Quarterdeck.Events;

namespace Quarterdeck.Web.Live;

/// <summary>Whether this circuit's live views all flow; the header's indicator shows it.</summary>
public sealed class LiveStatus : IDisposable
{
    private readonly EventBus _bus;
    private int _broken;

    /// <summary>One for each circuit.</summary>
    public LiveStatus(EventBus bus)
    {
        _bus = bus;
        bus.StateChanged += BusChanged;
    }

    /// <summary>Raised when <see cref="Broken"/> may have changed; from any thread.</summary>
    public event Action? Changed;

    /// <summary>A stream of the open page broke, or changes of other nodes don't arrive.</summary>
    public bool Broken => Volatile.Read(ref _broken) > 0 || _bus.State.Health is LiveHealth.Degraded;

    /// <summary>Why the other nodes' changes don't arrive; null when they do.</summary>
    public string? Reason => _bus.State.Reason;

    /// <summary>Stops following the bus.</summary>
    public void Dispose() => _bus.StateChanged -= BusChanged;

    internal void Report(bool broken)
    {
        if (broken) Interlocked.Increment(ref _broken);
        else Interlocked.Decrement(ref _broken);
        Changed?.Invoke();
    }

    private void BusChanged(LiveState state) => Changed?.Invoke();
}
