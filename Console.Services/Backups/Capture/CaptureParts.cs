using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>What captures are made with.</summary>
internal sealed record CaptureParts(SocketRooms Rooms, ImageTool Images, Checkpoints Checkpoints, ProcessRunner Processes, TimeProvider Time);

/// <summary>What is to be captured.</summary>
/// <param name="Vm">Of which VM.</param>
/// <param name="Repository">For which repository.</param>
/// <param name="Point">The id that the point will have.</param>
/// <param name="Options">How.</param>
/// <param name="Operation">Whose log and notes are written.</param>
internal sealed record CaptureOrder(LocatedVm Vm, Repository Repository, Guid Point, TakeOptions Options, IOperationContext Operation)
{
    /// <summary>The checkpoint to make; null when tracking is left as it is.</summary>
    public string? Checkpoint => Options.Kind == TakeKind.Regular ? CheckpointName.Of(Point) : null;
}
