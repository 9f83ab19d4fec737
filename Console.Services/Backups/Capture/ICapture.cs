using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>A disk whose content at the instant can be read.</summary>
/// <param name="Plan">How.</param>
/// <param name="Socket">The server's socket.</param>
/// <param name="Export">The export's name.</param>
/// <param name="ChangesContext">The context that tells what changed; null when all is read.</param>
internal sealed record DiskExport(ReadPlan Plan, string Socket, string Export, string? ChangesContext);

/// <summary>The disks of a VM, held still at one instant. Dispose it to let go; what it made on the VM is removed unless it was kept.</summary>
internal interface ICapture : IAsyncDisposable
{
    /// <summary>All disks.</summary>
    IReadOnlyList<DiskExport> Exports { get; }

    /// <summary>The point whose changes are read; null when nothing is read by changes.</summary>
    Guid? Parent { get; }

    /// <summary>The instant.</summary>
    DateTimeOffset At { get; }

    /// <summary>What the content can be trusted for.</summary>
    PointConsistency Consistency { get; }

    /// <summary>Whether the VM ran.</summary>
    bool WasRunning { get; }

    /// <summary>Sentences for the point.</summary>
    IReadOnlyList<string> Notes { get; }

    /// <summary>All is read: lets go of the disks, so that the VM pays nothing for it any more. The new checkpoint is still removed on dispose.</summary>
    Task ReleaseAsync(CancellationToken cancellation);

    /// <summary>The point is safe: changes are tracked since it from now on, and older checkpoints go.</summary>
    Task KeepAsync(CancellationToken cancellation);
}
