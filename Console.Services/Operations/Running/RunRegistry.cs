using System.Collections.Concurrent;

namespace Quarterdeck.Operations.Running;

/// <summary>What this node runs right now.</summary>
internal sealed class RunRegistry
{
    private readonly ConcurrentDictionary<Guid, Slot> _slots = new();

    /// <summary>Runs in progress.</summary>
    public IReadOnlyList<OperationRun> Runs => [.. _slots.Values.Select(s => s.Run).OfType<OperationRun>()];

    /// <summary>Whether nothing runs, begins or ends here.</summary>
    public bool IsEmpty => _slots.IsEmpty;

    /// <summary>Whether something here is about to run the operation, runs it, or is just ending it.</summary>
    public bool Has(Guid id) => _slots.ContainsKey(id);

    /// <summary>Announces a run before its row is claimed, so that no sweep takes the claimed row for an orphan; null when it runs here already.</summary>
    public Slot? Reserve(Guid id)
    {
        var slot = new Slot(this, id);
        return _slots.TryAdd(id, slot) ? slot : null;
    }

    /// <summary>Asks a run to stop; false when it does not run here.</summary>
    public bool Stop(Guid id, StopReason reason)
    {
        if (!_slots.TryGetValue(id, out var slot) || slot.Run is not { } run) return false;
        run.Stop(reason);
        return true;
    }

    /// <summary>A place for one run; disposed when the run has ended in the database, too.</summary>
    public sealed class Slot(RunRegistry registry, Guid id) : IDisposable
    {
        private volatile OperationRun? _run;

        public OperationRun? Run { get => _run; set => _run = value; }

        public void Dispose() => registry._slots.TryRemove(new KeyValuePair<Guid, Slot>(id, this));
    }
}
