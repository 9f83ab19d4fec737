namespace Quarterdeck.Hosts;

/// <summary>What a VM does now, as the hypervisor says.</summary>
public enum VmState
{
    /// <summary>Its processors run.</summary>
    Running,
    /// <summary>In memory, its processors stopped: by a user, or by an error of its disks.</summary>
    Paused,
    /// <summary>Not running.</summary>
    Off,
    /// <summary>Its guest or its emulator died.</summary>
    Crashed,
}

/// <summary>What a VM may boot from.</summary>
public enum BootDevice { Disk, Cdrom, Network }

/// <summary>A virtual machine: a libvirt domain on a host.</summary>
/// <param name="Id">The domain's UUID; a derived one for the second of two hosts with the same UUID.</param>
/// <param name="Name">The domain's name, unique on its host.</param>
/// <param name="HostId">The host it is on.</param>
/// <param name="HostName">That host's name.</param>
/// <param name="State">What it does; the last known while its host is disconnected.</param>
/// <param name="Reachable">Whether its host answers, so that <paramref name="State"/> is true now.</param>
/// <param name="Vcpus">Virtual processors.</param>
/// <param name="MemoryMiB">Memory in MiB.</param>
/// <param name="Disks">Hard disks and CD drives in the domain's order.</param>
/// <param name="Networks">Its network interfaces.</param>
/// <param name="Tags">Lower-case, sorted.</param>
/// <param name="Acceleration">What runs its processors.</param>
/// <param name="Autostart">Whether the host starts it when it boots.</param>
/// <param name="BootOrder">What it boots from, first to last.</param>
/// <param name="HasConsole">Whether it has a screen that can be shown.</param>
public sealed record Vm(
    Guid Id, string Name, Guid HostId, string HostName, VmState State, bool Reachable, int Vcpus, long MemoryMiB,
    IReadOnlyList<VmDisk> Disks, IReadOnlyList<VmNetwork> Networks, IReadOnlyList<string> Tags,
    Acceleration Acceleration, bool Autostart, IReadOnlyList<BootDevice> BootOrder, bool HasConsole);

/// <summary>A disk or CD drive of a VM.</summary>
/// <param name="Id">Stable within the VM: its target's name.</param>
/// <param name="Target">How the guest's bus names it, such as <c>vda</c>.</param>
/// <param name="Path">File or device on the host; null for an empty drive or a disk from a network.</param>
/// <param name="Format"><c>qcow2</c>, <c>raw</c>, …</param>
/// <param name="SizeBytes">What the guest sees; 0 when the host does not tell.</param>
/// <param name="Device"><c>disk</c> or <c>cdrom</c>.</param>
public sealed record VmDisk(string Id, string Target, string? Path, string Format, long SizeBytes, string Device);

/// <summary>A network interface of a VM.</summary>
/// <param name="Mac">Its address, such as <c>52:54:00:…</c>.</param>
/// <param name="Network">As design.md names host networks: <c>user</c>, <c>bridge:NAME</c>, or a libvirt network's name.</param>
/// <param name="Model"><c>virtio</c>, <c>e1000</c>, …</param>
public sealed record VmNetwork(string Mac, string Network, string Model);

/// <summary>A hypervisor's snapshot of a VM.</summary>
/// <param name="Name">Unique within the VM.</param>
/// <param name="Description">What a person wrote; may be empty.</param>
/// <param name="CreatedAt">When it was taken.</param>
/// <param name="State">What the VM did then; <c>running</c> means that memory is in it.</param>
/// <param name="Parent">The snapshot it follows; null for a root.</param>
/// <param name="Current">Whether the VM's present state grew from it.</param>
public sealed record VmSnapshot(string Name, string Description, DateTimeOffset CreatedAt, VmState State, string? Parent, bool Current);

/// <summary>The use of a VM over the last hour, oldest first; empty while it is off.</summary>
/// <param name="IntervalSeconds">Seconds between samples.</param>
/// <param name="Samples">At most an hour's.</param>
public sealed record VmMetrics(int IntervalSeconds, IReadOnlyList<VmSample> Samples);

/// <summary>One sample; rates are means since the sample before.</summary>
/// <param name="At">When it was taken.</param>
/// <param name="CpuPercent">Of all its virtual processors, 0 to 100.</param>
/// <param name="MemoryBytes">What the guest occupies on the host.</param>
/// <param name="DiskReadBytesPerSecond">All disks.</param>
/// <param name="DiskWriteBytesPerSecond">All disks.</param>
/// <param name="NetworkReceiveBytesPerSecond">All interfaces.</param>
/// <param name="NetworkSendBytesPerSecond">All interfaces.</param>
public sealed record VmSample(
    DateTimeOffset At, double CpuPercent, long MemoryBytes, double DiskReadBytesPerSecond, double DiskWriteBytesPerSecond,
    double NetworkReceiveBytesPerSecond, double NetworkSendBytesPerSecond);
