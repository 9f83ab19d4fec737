using System.Globalization;
using Quarterdeck.Hosts;
using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Run;

/// <summary>Whether the disks of a recovery point can be written over those that a VM has now.</summary>
internal static class DiskMatch
{
    /// <summary>What forbids a restore in place, in words; empty when nothing does.</summary>
    /// <param name="vm">As it is now.</param>
    /// <param name="point">The disks to go back to.</param>
    /// <param name="held">Paths that have another name just now, because a restore of them is unfinished.</param>
    public static IReadOnlyList<string> Refusals(Vm vm, IReadOnlyList<PointDisk> point, IReadOnlyCollection<string> held)
    {
        var refusals = new List<string>();
        foreach (var disk in point)
        {
            if (vm.Disks.FirstOrDefault(d => d.Target == disk.Target && d.Device == "disk") is not { } now)
                refusals.Add($"Disk {disk.Target} of the recovery point is not in the VM any more. Choose a full restore, which adds it again, or a new VM.");
            else if (now.Path is null || !Path.IsPathRooted(now.Path))
                refusals.Add($"Disk {disk.Target} is not a file of the host. Choose a new VM.");
            else if (held.Contains(now.Path)) continue;
            else if (!File.Exists(now.Path))
                refusals.Add($"The file of disk {disk.Target}, '{now.Path}', is not there. Choose a full restore, which makes it anew.");
            else if ((File.GetAttributes(now.Path) & FileAttributes.Device) != 0 || now.Path.StartsWith("/dev/", StringComparison.Ordinal))
                refusals.Add($"Disk {disk.Target} is the device '{now.Path}'; only files are restored in place. Choose a new VM.");
            else if (now.SizeBytes != 0 && now.SizeBytes != disk.SizeBytes)
                refusals.Add($"Disk {disk.Target} was resized: it has {Size(now.SizeBytes)} now and had {Size(disk.SizeBytes)} then. Choose a full restore, which makes it anew with its old size, or a new VM.");
        }
        return refusals;
    }

    /// <summary>Disks that the VM has now and the point has not; they stay as they are.</summary>
    public static IEnumerable<VmDisk> Added(Vm vm, IReadOnlyList<PointDisk> point) =>
        vm.Disks.Where(d => d is { Device: "disk", Path: not null } && point.All(p => p.Target != d.Target));

    /// <summary>A size in words.</summary>
    public static string Size(long bytes) =>
        bytes >= 1L << 30 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.##} GiB") : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.##} MiB");
}
