namespace Quarterdeck.Hosts;

/// <summary>Whether a host can be used now.</summary>
public enum HostState
{
    /// <summary>Its hypervisor answers.</summary>
    Connected,
    /// <summary>Its hypervisor does not answer; it is tried again by itself, and <see cref="HostInfo.Problem"/> says why.</summary>
    Disconnected,
    /// <summary>An administrator keeps it out of use: its VMs are followed, but none is created or started on it.</summary>
    Maintenance,
}

/// <summary>What runs the guests' processors.</summary>
public enum Acceleration
{
    /// <summary>Not found out yet.</summary>
    Unknown,
    /// <summary>The processor's own virtualisation; a real guest was started on it.</summary>
    Kvm,
    /// <summary>QEMU's emulation: works everywhere, about ten times slower.</summary>
    Emulation,
    /// <summary>libvirt's mock driver (<c>test://</c>): nothing runs.</summary>
    Mock,
}

/// <summary>A hypervisor that the console manages.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">Unique, for people.</param>
/// <param name="Uri">The libvirt URI in its canonical form.</param>
/// <param name="State">Whether it can be used now.</param>
/// <param name="Version">Hypervisor and libvirt, such as <c>QEMU 7.2.22, libvirt 9.0.0</c>; null until first connected.</param>
/// <param name="Problem">Why it is disconnected, and the remedy; null when all is well.</param>
/// <param name="Acceleration">What runs its guests.</param>
/// <param name="AccelerationReason">How that was found out, such as <c>a guest did not start on KVM within 4 s</c>.</param>
/// <param name="Cpus">Processors of the host; 0 until first connected.</param>
/// <param name="MemoryMiB">Memory of the host; 0 until first connected.</param>
/// <param name="Vms">How many VMs it has.</param>
/// <param name="Running">How many of them run.</param>
/// <param name="SeenAt">When it last answered; null if never.</param>
public sealed record HostInfo(
    Guid Id, string Name, string Uri, HostState State, string? Version, string? Problem,
    Acceleration Acceleration, string? AccelerationReason, int Cpus, long MemoryMiB, int Vms, int Running, DateTimeOffset? SeenAt)
{
    /// <summary><see cref="Problem"/> until the first attempt to reach the host has ended.</summary>
    public const string Connecting = "The console is connecting.";
}

/// <summary>A host to add.</summary>
/// <param name="Name">Unique, 1 to 100 characters.</param>
/// <param name="Uri">A libvirt URI of the allow-list, such as <c>qemu:///system</c>.</param>
public sealed record NewHost(string? Name, string? Uri);

/// <summary>What to change about a host; null leaves a field as it is.</summary>
/// <param name="Name">A new name.</param>
/// <param name="Maintenance">Whether to keep it out of use.</param>
public sealed record HostChange(string? Name = null, bool? Maintenance = null);
