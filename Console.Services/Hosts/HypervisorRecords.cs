namespace Quarterdeck.Hosts;

/// <summary>What a hypervisor says about itself.</summary>
/// <param name="Driver"><c>QEMU</c>, <c>TEST</c>.</param>
/// <param name="Version">The hypervisor's, such as <c>7.2.22</c>.</param>
/// <param name="LibvirtVersion">libvirt's, such as <c>9.0.0</c>.</param>
/// <param name="Cpus">Processors.</param>
/// <param name="MemoryMiB">Memory.</param>
/// <param name="HostName">The machine's name.</param>
public sealed record HypervisorInfo(string Driver, string Version, string LibvirtVersion, int Cpus, long MemoryMiB, string HostName);

/// <summary>A domain as libvirt knows it.</summary>
/// <param name="Uuid">libvirt's UUID, unique on the host.</param>
/// <param name="Name">Unique on the host.</param>
/// <param name="State">What it does.</param>
/// <param name="Persistent">Whether it has a definition that outlives its run.</param>
/// <param name="Autostart">Whether the host starts it when it boots.</param>
/// <param name="Xml">What runs, or else what would start.</param>
/// <param name="Capacities">Size of each disk in bytes, by target.</param>
public sealed record DomainRecord(Guid Uuid, string Name, VmState State, bool Persistent, bool Autostart, string Xml, IReadOnlyDictionary<string, long> Capacities);

/// <summary>Counters of a running domain since its start.</summary>
/// <param name="Uuid">The domain.</param>
/// <param name="CpuNanoseconds">Processor time used.</param>
/// <param name="Vcpus">Virtual processors.</param>
/// <param name="MemoryBytes">Resident on the host.</param>
/// <param name="DiskReadBytes">All disks.</param>
/// <param name="DiskWriteBytes">All disks.</param>
/// <param name="NetworkReceiveBytes">All interfaces.</param>
/// <param name="NetworkSendBytes">All interfaces.</param>
public sealed record DomainCounters(
    Guid Uuid, ulong CpuNanoseconds, int Vcpus, long MemoryBytes, ulong DiskReadBytes, ulong DiskWriteBytes, ulong NetworkReceiveBytes, ulong NetworkSendBytes);

/// <summary>A storage pool.</summary>
/// <param name="Name">Unique on the host.</param>
/// <param name="Type"><c>dir</c>, <c>logical</c>, …</param>
/// <param name="Path">Its folder or device on the host.</param>
/// <param name="Active">Whether it can be used.</param>
/// <param name="CapacityBytes">In all.</param>
/// <param name="AvailableBytes">Still free.</param>
public sealed record PoolInfo(string Name, string Type, string Path, bool Active, long CapacityBytes, long AvailableBytes);

/// <summary>A volume to create, empty and sparse.</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Name">File name within the pool.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="CapacityBytes">What the guest sees.</param>
public sealed record NewVolume(string Pool, string Name, string Format, long CapacityBytes)
{
    /// <summary>The image under it, which it only records differences to; null for none.</summary>
    public VolumeBacking? Backing { get; init; }
}

/// <summary>An image that another one is laid over.</summary>
/// <param name="Path">On the host.</param>
/// <param name="Format">Always named, because an image whose format is guessed may claim to be another.</param>
public sealed record VolumeBacking(string Path, string Format);

/// <summary>A volume of a pool.</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Path">On the host.</param>
/// <param name="Format"><c>qcow2</c>, <c>raw</c>, <c>iso</c>, …</param>
/// <param name="CapacityBytes">What the guest sees.</param>
/// <param name="AllocatedBytes">What it takes now.</param>
public sealed record VolumeInfo(string Pool, string Name, string Path, string Format, long CapacityBytes, long AllocatedBytes);

/// <summary>A libvirt network.</summary>
/// <param name="Name">Unique on the host.</param>
/// <param name="Active">Whether it runs.</param>
/// <param name="Mode"><c>nat</c>, <c>route</c>, <c>bridge</c>, <c>isolated</c>, …</param>
/// <param name="Bridge">The bridge's name on the host; null if none.</param>
/// <param name="Address">The host's own address on it; null if none.</param>
public sealed record NetworkInfo(string Name, bool Active, string Mode, string? Bridge, string? Address);

/// <summary>An address that a libvirt network gave to a card of a domain, by the network's own records.</summary>
/// <param name="Mac">The card's address.</param>
/// <param name="Address">The IP address given to it.</param>
/// <param name="Prefix">Length of the network's prefix.</param>
public sealed record GuestLease(string Mac, string Address, int Prefix);

/// <summary>Why a hypervisor did not do what it was asked.</summary>
public enum HypervisorError
{
    /// <summary>Anything not below; the message says what.</summary>
    Failed,
    /// <summary>No such domain, volume, pool, network or snapshot.</summary>
    NotFound,
    /// <summary>The name or UUID is taken.</summary>
    Exists,
    /// <summary>Its present state forbids it.</summary>
    WrongState,
    /// <summary>The hypervisor refuses the description.</summary>
    Invalid,
    /// <summary>No room.</summary>
    NoSpace,
    /// <summary>It cannot do this at all.</summary>
    Unsupported,
    /// <summary>It did not answer in time.</summary>
    TimedOut,
    /// <summary>The connection is gone.</summary>
    Disconnected,
    /// <summary>It refuses these credentials or this connection.</summary>
    Denied,
}
