namespace Quarterdeck.Hosts;

/// <summary>A VM to create.</summary>
/// <param name="Name">Unique on the host, 1 to 200 bytes in UTF-8, without <c>/</c>, control characters, or blanks at an end.</param>
/// <param name="HostId">The host to create it on.</param>
/// <param name="Vcpus">1 to 256.</param>
/// <param name="MemoryMiB">16 to 4194304.</param>
/// <param name="Disks">At most 24; null or empty for none.</param>
/// <param name="Cdrom">An ISO file inside the image roots, used in place; administrators only.</param>
/// <param name="Network"><c>user</c>, <c>bridge:NAME</c> or a libvirt network; null for none.</param>
/// <param name="Start">Whether to start it when it is made.</param>
public sealed record NewVm(string? Name, Guid HostId, int Vcpus, long MemoryMiB, IReadOnlyList<NewDisk>? Disks = null, string? Cdrom = null, string? Network = null, bool Start = false)
{
    /// <summary><c>q35</c> or <c>pc</c>; null for <c>q35</c>. <c>pc</c> has an IDE CD drive for guests without AHCI.</summary>
    public string? Machine { get; init; }

    /// <summary>Whether the host starts it when it boots.</summary>
    public bool Autostart { get; init; }

    /// <summary>What it boots from; null for CD drive (when there is one), then disk, then network.</summary>
    public IReadOnlyList<BootDevice>? BootOrder { get; init; }

    /// <summary>Tags to give it.</summary>
    public IReadOnlyList<string>? Tags { get; init; }
}

/// <summary>A disk of a new VM: either new and empty (<paramref name="SizeGiB"/>) or an existing file used in place (<paramref name="SourcePath"/>).</summary>
/// <param name="SizeGiB">Above 0, at most 65536 (64 TiB), rounded up to whole MiB; sparse, so it takes room only as the guest writes.</param>
/// <param name="SourcePath">A file inside the image roots; administrators only.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>; needed with <paramref name="SourcePath"/>, and <c>qcow2</c> by default without.</param>
/// <param name="Pool">The storage pool of a new disk; null for the default one.</param>
public sealed record NewDisk(decimal? SizeGiB = null, string? SourcePath = null, string? Format = null, string? Pool = null);

/// <summary>What to change about a VM; null leaves a field as it is.</summary>
/// <param name="Name">A new name; only while it is off.</param>
/// <param name="Vcpus">Live where the guest allows, else at the next start.</param>
/// <param name="MemoryMiB">Live where the guest allows, else at the next start.</param>
/// <param name="Autostart">Whether the host starts it when it boots.</param>
/// <param name="BootOrder">From the next start.</param>
/// <param name="Tags">All its tags.</param>
public sealed record VmChange(
    string? Name = null, int? Vcpus = null, long? MemoryMiB = null, bool? Autostart = null, IReadOnlyList<BootDevice>? BootOrder = null, IReadOnlyList<string>? Tags = null);

/// <summary>What an edit did.</summary>
/// <param name="Vm">The VM after it.</param>
/// <param name="AtNextStart">Fields (as REST spells them) that hold only from the VM's next start.</param>
public sealed record VmEdited(Vm Vm, IReadOnlyList<string> AtNextStart);

/// <summary>Which VMs a list shows; null does not filter.</summary>
/// <param name="HostId">On this host.</param>
/// <param name="State">In this state.</param>
/// <param name="Tag">With this tag.</param>
/// <param name="Ids">With one of these ids.</param>
public sealed record VmQuery(Guid? HostId = null, VmState? State = null, string? Tag = null, IReadOnlyList<Guid>? Ids = null);

/// <summary>How many VMs are in each state.</summary>
public sealed record VmCounts(int Running, int Paused, int Off, int Crashed)
{
    /// <summary>All of them.</summary>
    public int Total => Running + Paused + Off + Crashed;
}

/// <summary>What a power action does.</summary>
public enum VmAction
{
    /// <summary>Powers it on.</summary>
    Start,
    /// <summary>Asks the guest to shut down (ACPI).</summary>
    Shutdown,
    /// <summary>Cuts the power.</summary>
    Stop,
    /// <summary>Asks the guest to reboot.</summary>
    Reboot,
    /// <summary>Stops its processors, keeps its memory.</summary>
    Pause,
    /// <summary>Lets it go on.</summary>
    Resume,
}

/// <summary>A snapshot to take.</summary>
/// <param name="Name">1 to 100 letters, digits, blanks, and <c>. _ - : ( ) + @ #</c>; not digits alone; null for the time.</param>
/// <param name="Description">For people.</param>
public sealed record NewSnapshot(string? Name, string? Description = null);
