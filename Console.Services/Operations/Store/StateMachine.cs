namespace Quarterdeck.Operations.Store;

/// <summary>Which state may follow which; the store's gate refuses everything else.</summary>
internal static class StateMachine
{
    /// <summary>Whether an operation may go from <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static bool Allows(OperationState from, OperationState to) => (from, to) switch
    {
        (OperationState.Queued, OperationState.Running) => true,
        // Never ran, so there is nothing to undo: everything else that is cancelled runs its undo first.
        (OperationState.Queued, OperationState.Cancelled) => true,
        // Handed over, handed back at shutdown, waiting for the next try, taken from a dead node, or to run its undo.
        (OperationState.Running, OperationState.Queued) => true,
        (OperationState.Running, { IsFinal: true }) => true,
        (OperationState.Failed or OperationState.Cancelled or OperationState.Lost, OperationState.Queued) => true,
        _ => false,
    };
}
