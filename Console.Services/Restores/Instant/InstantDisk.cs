namespace Quarterdeck.Restores.Instant;

/// <summary>One disk of a VM that runs from a recovery point; stored with the operation.</summary>
/// <param name="Target">Its name in the VM.</param>
/// <param name="Overlay">The image on the host that takes the guest's writes, and in the end everything.</param>
/// <param name="SizeBytes">What the guest sees.</param>
/// <param name="Socket">Where QEMU reads what the overlay has not yet.</param>
internal sealed record InstantDisk(string Target, string Overlay, long SizeBytes, string Socket);

/// <summary>What was made, once: an overlay that a guest wrote to must never be made again.</summary>
/// <param name="Domain">The domain's UUID.</param>
/// <param name="Disks">Its disks.</param>
internal sealed record InstantVm(Guid Domain, IReadOnlyList<InstantDisk> Disks);
