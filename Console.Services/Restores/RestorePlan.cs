namespace Quarterdeck.Restores;

/// <summary>What a restore would do; nothing has happened yet.</summary>
/// <param name="Mode">What would be made.</param>
/// <param name="RecoveryPointId">What to go back to.</param>
/// <param name="PointAt">When that point was made.</param>
/// <param name="VmId">The VM whose disks change; null for a new one.</param>
/// <param name="VmName">Its name, or the new one's.</param>
/// <param name="HostId">The host it is or will be on.</param>
/// <param name="RepositoryId">Where the chunks come from.</param>
/// <param name="RepositoryName">That repository's name.</param>
/// <param name="WillStop">Whether the VM runs and would be shut down first.</param>
/// <param name="WillStart">Whether the VM would be started afterwards.</param>
/// <param name="Disks">Disk by disk.</param>
/// <param name="MovedBytes">Chunk bytes that would move from the repository, as far as is known before the common snapshot is taken.</param>
/// <param name="ReadBytes">Bytes of the VM's disks that would be read for the common snapshot; where nothing is tracked, as many as the recovery point holds; null when only the change tracking will tell.</param>
/// <param name="Seconds">Estimate from the rates of restores before; the guest's shutdown is not in it.</param>
/// <param name="RateMeasured">Whether those rates were measured here, or are assumed because nothing was restored yet.</param>
/// <param name="Common">Whether the VM's last backup can be the base of the common snapshot; null where none is made.</param>
/// <param name="Notes">What else will happen, in words.</param>
/// <param name="Refusals">Why it cannot be done, in words; empty when it can.</param>
public sealed record RestorePlan(
    RestoreMode Mode, Guid RecoveryPointId, DateTimeOffset PointAt, Guid? VmId, string VmName, Guid HostId, Guid RepositoryId, string RepositoryName, bool WillStop, bool WillStart,
    IReadOnlyList<PlannedDisk> Disks, long MovedBytes, long? ReadBytes, double Seconds, bool RateMeasured, CommonPoint? Common, IReadOnlyList<string> Notes, IReadOnlyList<string> Refusals);

/// <summary>One disk of a plan.</summary>
/// <param name="Target">How the guest's bus names it, such as <c>vda</c>.</param>
/// <param name="Path">The file that would be written; null while only the host will choose it.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="SizeBytes">What the guest sees.</param>
/// <param name="MovedBytes">Chunk bytes that would move, as far as is known.</param>
public sealed record PlannedDisk(string Target, string? Path, string Format, long SizeBytes, long MovedBytes);

/// <summary>Whether the newest recovery point and the change tracking since then spare reading the whole disks.</summary>
/// <param name="Usable">Whether they do.</param>
/// <param name="BasePointId">That newest point; null when the VM has none in this repository.</param>
/// <param name="Reason">Why, or why not, in words.</param>
public sealed record CommonPoint(bool Usable, Guid? BasePointId, string Reason);
