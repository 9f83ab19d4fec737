namespace Quarterdeck.Restores.Journal;

/// <summary>Where an in-place restore stands.</summary>
internal enum JournalPhase
{
    /// <summary>Chunks of the recovery point are being written.</summary>
    Writing,
    /// <summary>Chunks of the common snapshot are being written back.</summary>
    RollingBack,
    /// <summary>The disks are whole, as the point or (rolled back) as the common snapshot; names, firmware and change tracking follow.</summary>
    Releasing,
}

/// <summary>What is being done to a VM's disks, written beside them and made durable before the first block, so that whoever comes after a crash can finish it or take it back.</summary>
/// <param name="Operation">The restore.</param>
/// <param name="VmId">The VM.</param>
/// <param name="RepositoryId">The repository as the console knows it.</param>
/// <param name="PointId">The recovery point that is restored.</param>
/// <param name="CommonPointId">The recovery point with what was on the disks before.</param>
/// <param name="Phase">Where it stands.</param>
/// <param name="Disks">The disks that are changed.</param>
internal sealed record RestoreJournal(
    Guid Operation, Guid VmId, Guid RepositoryId, Guid PointId, Guid CommonPointId, JournalPhase Phase, IReadOnlyList<JournalDisk> Disks)
{
    /// <summary>Version of this form.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Whether <see cref="JournalPhase.Releasing"/> follows a roll-back.</summary>
    public bool RolledBack { get; init; }

    /// <summary>The same with one disk replaced.</summary>
    public RestoreJournal With(JournalDisk disk) => this with { Disks = [.. Disks.Select(d => d.Target == disk.Target ? disk : d)] };
}

/// <summary>One disk of a journal.</summary>
/// <param name="Target">Its name in the VM.</param>
/// <param name="Path">The file's own name; while it is not whole it has <see cref="Suffix"/> behind that.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="SizeBytes">What the guest sees.</param>
/// <param name="Common">Root of what was on it before, as hexadecimal digits.</param>
/// <param name="Point">Root of what shall be on it.</param>
/// <param name="Written">In the present phase every differing chunk before this one is durable; chunks from here on may be either.</param>
internal sealed record JournalDisk(string Target, string Path, string Format, long SizeBytes, string Common, string Point, long Written)
{
    /// <summary>What a disk's file is called by while it is not whole: no definition names it so, and no VM can start with it.</summary>
    public const string Suffix = ".restoring";

    /// <summary>The file's name while it is not whole.</summary>
    public string Held => Path + Suffix;
}
