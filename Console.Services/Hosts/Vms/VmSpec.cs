namespace Quarterdeck.Hosts.Vms;

/// <summary>A checked request for a VM: the input of <c>vm.create</c>.</summary>
internal sealed record VmSpec(
    Guid VmId, Guid HostId, string Name, int Vcpus, long MemoryMiB, IReadOnlyList<DiskSpec> Disks, string? Cdrom, string? Network, bool Start,
    string Machine, bool Autostart, IReadOnlyList<BootDevice> BootOrder, IReadOnlyList<string> Tags);

/// <summary>One of its disks: a volume to make (<paramref name="SizeBytes"/>, <paramref name="Volume"/>), or a file used in place (<paramref name="Path"/>).</summary>
internal sealed record DiskSpec(string Target, string Format, long SizeBytes, string? Pool, string? Volume, string? Path);
