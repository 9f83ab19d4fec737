using Quarterdeck.Operations;

namespace Quarterdeck.Restores.Run;

/// <summary>Input of <c>vm.restore</c>.</summary>
/// <param name="RecoveryPointId">What to go back to.</param>
/// <param name="RepositoryId">Its repository, as the console knows it.</param>
/// <param name="Mode">What to make.</param>
/// <param name="VmId">The VM that is restored, or the new one.</param>
/// <param name="HostId">The host it is on, or will be.</param>
/// <param name="Name">Its name, or the new one's.</param>
/// <param name="Start">Null: as before.</param>
/// <param name="ShutdownSeconds">How long the guest has.</param>
internal sealed record RestoreInput(Guid RecoveryPointId, Guid RepositoryId, RestoreMode Mode, Guid VmId, Guid HostId, string Name, bool? Start, int ShutdownSeconds)
{
    /// <summary>Whether an instant restore makes the point's own VM again, rather than another one.</summary>
    public bool Again { get; init; }
}

/// <summary>How it was when the operation began; survives its attempts.</summary>
/// <param name="At">When.</param>
/// <param name="WasRunning">Whether the VM ran.</param>
internal sealed record Beginning(DateTimeOffset At, bool WasRunning);

/// <summary>The room's kinds of operations and notes.</summary>
internal static class RestoreKinds
{
    /// <summary>One kind for all modes: they exclude each other by the VM's lock, and share history and permission.</summary>
    public static readonly OperationKind Restore = new("vm.restore", "Restore VM", RestoresPermissions.Run) { MaxAttempts = 6 };

    /// <summary>Note: the VM ran and is to run again when nothing comes of the restore.</summary>
    public const string PowerNote = "restore.power";

    /// <summary>Note: path of the journal of an in-place restore.</summary>
    public const string JournalNote = "restore.journal";

    /// <summary>Note: a file that is being made.</summary>
    public const string FileNote = "restore.file";

    /// <summary>Note: a volume that is being made, by its path on the host.</summary>
    public const string VolumeNote = "restore.volume";

    /// <summary>Note: a domain that is being defined.</summary>
    public const string DomainNote = "restore.domain";

    /// <summary>Note: where a VM's QEMU reads a disk of the repository.</summary>
    public const string SocketNote = "restore.socket";

    /// <summary>Note: a VM may have been used from here on, so that only a cancellation removes it.</summary>
    public const string UsedNote = "restore.used";

    /// <summary>Note: a disk that was put aside, by its own path.</summary>
    public const string AsideNote = "restore.aside";

    /// <summary>Note: the new disks have their places and the VM is defined with them; the old ones go.</summary>
    public const string WholeNote = "restore.whole";
}
