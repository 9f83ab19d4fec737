namespace Quarterdeck.Appliances.Ova;

/// <summary>The virtual machine that a package wants under one deployment option, in libvirt's words.</summary>
internal sealed record OvfHardware
{
    public required int Vcpus { get; init; }

    /// <summary>Cores of each socket; null when the package does not say.</summary>
    public int? CoresPerSocket { get; init; }

    public required long MemoryMiB { get; init; }
    public bool Efi { get; init; }

    /// <summary>What the package was made for, such as <c>vmx-13</c>; it may name several.</summary>
    public IReadOnlyList<string> SystemTypes { get; init; } = [];

    /// <summary>How it wants to be told its properties.</summary>
    public IReadOnlyList<string> Transports { get; init; } = [];

    public IReadOnlyList<OvfController> Controllers { get; init; } = [];
    public IReadOnlyList<OvfDrive> Drives { get; init; } = [];
    public IReadOnlyList<OvfDrive> CdDrives { get; init; } = [];
    public IReadOnlyList<OvfCard> Cards { get; init; } = [];
    public int SerialPorts { get; init; }
    public int ParallelPorts { get; init; }

    /// <summary>libvirt's model of the USB controller; null for the machine's own.</summary>
    public string? Usb { get; init; }

    /// <summary>libvirt's model of the display.</summary>
    public string Video { get; init; } = "vga";

    /// <summary>Video memory in KiB; null for the model's own.</summary>
    public long? VideoKiB { get; init; }

    /// <summary>libvirt's models of the sound cards.</summary>
    public IReadOnlyList<string> Sounds { get; init; } = [];

    /// <summary>What becomes of each item.</summary>
    public IReadOnlyList<OvaHardwareItem> Report { get; init; } = [];
}

/// <summary>A controller of disks.</summary>
/// <param name="Bus">libvirt's bus: <c>ide</c>, <c>sata</c>, <c>scsi</c>.</param>
/// <param name="Index">Which one of its bus.</param>
/// <param name="Model">libvirt's model of a SCSI controller; null for the others.</param>
internal sealed record OvfController(string Bus, int Index, string? Model);

/// <summary>How a disk or CD drive is attached.</summary>
/// <param name="DiskId">The disk; null for a CD drive.</param>
/// <param name="FileId">The file whose content is the CD in the drive; null for an empty drive or a disk.</param>
/// <param name="Bus">libvirt's bus: <c>virtio</c>, <c>scsi</c>, <c>ide</c>, <c>sata</c>.</param>
/// <param name="Controller">Which controller of that bus.</param>
/// <param name="Unit">Place on its controller.</param>
internal sealed record OvfDrive(string? DiskId, string? FileId, string Bus, int Controller, int Unit);

/// <summary>A network card: its model as libvirt names it, and the package's network.</summary>
internal sealed record OvfCard(string Model, string Network);
