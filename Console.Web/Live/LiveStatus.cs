using Quarterdeck.Database;
using Quarterdeck.Events;

namespace Quarterdeck.Web.Live;

/// <summary>Whether this circuit's live views all flow; the header's indicator shows it.</summary>
public sealed class LiveStatus : IDisposable
{
    private readonly EventBus _bus;
    private readonly DatabaseHealth? _database;
    private int _broken;

    /// <summary>One for each circuit.</summary>
    public LiveStatus(EventBus bus, DatabaseHealth? database = null)
    {
        (_bus, _database) = (bus, database);
        bus.StateChanged += BusChanged;
        if (database is not null) database.Changed += DatabaseChanged;
    }

    /// <summary>Raised when <see cref="Broken"/> may have changed; from any thread.</summary>
    public event Action? Changed;

    /// <summary>A stream of the open page broke, changes of other nodes don't arrive, or the database is away.</summary>
    public bool Broken => Volatile.Read(ref _broken) > 0 || _bus.State.Health is LiveHealth.Degraded || _database is { State.Available: false };

    /// <summary>Why the database is away or the other nodes' changes don't arrive; null when neither is so.</summary>
    public string? Reason => _database is { State: { Available: false, Reason: { } reason } } ? reason : _bus.State.Reason;

    /// <summary>Stops following both.</summary>
    public void Dispose()
    {
        _bus.StateChanged -= BusChanged;
        if (_database is not null) _database.Changed -= DatabaseChanged;
    }

    internal void Report(bool broken)
    {
        if (broken) Interlocked.Increment(ref _broken);
        else Interlocked.Decrement(ref _broken);
        Changed?.Invoke();
    }

    private void DatabaseChanged(DatabaseState state) => Changed?.Invoke();

    private void BusChanged(LiveState state) => Changed?.Invoke();
}
