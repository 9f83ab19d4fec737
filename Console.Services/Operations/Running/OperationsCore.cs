using Quarterdeck.Access;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations.Running;

/// <summary>The parts behind the public queue.</summary>
internal sealed record OperationsCore(
    Guard Guard, Admission Admission, OperationKinds Kinds, OperationStore Operations, RestartStore Restarts,
    OperationRunner Runner, RunFactory Runs, RunRegistry Registry, RunEnding Ending, Canceller Canceller, ReadyQueue Ready, OperationFeed Feed, NodeIdentity Node);
