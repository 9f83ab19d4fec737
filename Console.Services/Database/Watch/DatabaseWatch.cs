using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Quarterdeck.Database.Watch;

/// <summary>Notes how every use of the database went.</summary>
internal sealed class DatabaseWatch : IDisposable
{
    private readonly Meter _meter = new("Quarterdeck.Database");
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _failures;
    private readonly Lock _gate = new();
    private DatabaseState _state = new(Available: true, DateTimeOffset.UtcNow, null, null, null);
    private long _lastSuccess;

    public DatabaseWatch()
    {
        _duration = _meter.CreateHistogram<double>("quarterdeck.database.command.duration", "s", "How long commands of the console's database took.");
        _failures = _meter.CreateCounter<long>("quarterdeck.database.unavailable", description: "Uses of the database that failed because it was away, locked or full.");
        _meter.CreateObservableGauge("quarterdeck.database.available", () => State.Available ? 1 : 0, description: "1 when the last use of the database worked.");
    }

    /// <summary>Raised after availability changed.</summary>
    public event Action<DatabaseState>? Changed;

    public DatabaseState State
    {
        get
        {
            var success = Volatile.Read(ref _lastSuccess);
            lock (_gate) return success == 0 ? _state : _state with { LastSuccess = new DateTimeOffset(success, TimeSpan.Zero) };
        }
    }

    public void Succeeded(long began)
    {
        _duration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        Volatile.Write(ref _lastSuccess, DateTime.UtcNow.Ticks);
    }

    /// <summary>Turns a driver's error into one that tells callers and pages why the database is away; null when it is about something else.</summary>
    public DatabaseUnavailableException? Failed(Exception error)
    {
        if (DatabaseUnavailableException.From(error) is not { } fault) return null;
        _failures.Add(1);
        Became(available: false, fault.Reason);
        return fault;
    }

    /// <summary>Only a probe that also writes says that it is back: a full disk or a locked file still reads well.</summary>
    public void Recovered() => Became(available: true, null);

    public void Dispose() => _meter.Dispose();

    private void Became(bool available, string? reason)
    {
        DatabaseState before, after;
        lock (_gate)
        {
            before = _state;
            var now = DateTimeOffset.UtcNow;
            after = _state = new DatabaseState(available, before.Available == available ? before.Since : now, reason, before.LastSuccess, available ? before.LastFailure : now);
        }
        if (before.Available == available) return;
        foreach (var handler in Changed?.GetInvocationList().Cast<Action<DatabaseState>>() ?? [])
        {
            // Runs within a failing command: a page's own error must not hide why the database is away.
            try { handler(after); }
            catch (Exception e) { Trace.TraceError(e.ToString()); }
        }
    }
}
