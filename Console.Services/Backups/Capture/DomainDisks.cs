using System.Xml.Linq;

namespace Quarterdeck.Backups.Capture;

/// <summary>A hard disk of a domain.</summary>
/// <param name="Target">How the guest's bus names it.</param>
/// <param name="Path">Its file or device on the host; null when it is neither.</param>
/// <param name="Format">As the domain says.</param>
/// <param name="Node">QEMU's name of its top image while the domain runs; null otherwise.</param>
/// <param name="Chain">Its own path and those of the images below, as far as libvirt tells.</param>
/// <param name="ReadOnly">Whether the guest may only read it.</param>
/// <param name="IsDevice">Whether it is a block device of the host.</param>
internal sealed record DomainDisk(string Target, string? Path, string Format, string? Node, IReadOnlyList<string> Chain, bool ReadOnly, bool IsDevice)
{
    /// <summary>Whether its image is of qcow2's first version, which has no place for bitmaps.</summary>
    public bool IsOld { get; init; }

    /// <summary>Whether its changes can be tracked: bitmaps live in qcow2 images.</summary>
    public bool Tracks => Format == "qcow2" && !ReadOnly && !IsOld;
}

/// <summary>What a capture needs to know of a domain.</summary>
/// <param name="Disks">Hard disks with content; CD drives, floppies and empty ones are left out.</param>
/// <param name="Skipped">Sentences about disks that are left out although they may hold something.</param>
/// <param name="HasAgent">Whether an agent inside the guest answers.</param>
/// <param name="Nvram">File of its firmware's variables.</param>
/// <param name="HasTpm">Whether it has an emulated TPM.</param>
internal sealed record DomainDisks(IReadOnlyList<DomainDisk> Disks, IReadOnlyList<string> Skipped, bool HasAgent, string? Nvram, bool HasTpm)
{
    /// <summary>Reads a domain's XML.</summary>
    public static DomainDisks Read(string xml)
    {
        var root = XElement.Parse(xml);
        var devices = root.Element("devices");
        var disks = new List<DomainDisk>();
        var skipped = new List<string>();
        foreach (var element in devices?.Elements("disk") ?? [])
        {
            if ((string?)element.Attribute("device") is not (null or "disk" or "lun") || element.Element("source") is not { } source) continue;
            if ((string?)element.Element("target")?.Attribute("dev") is not { } target) continue;
            if (element.Element("transient") is not null) skipped.Add($"Disk {target} is transient: it forgets everything when the VM stops, so it is not backed up.");
            else disks.Add(Disk(target, element, source));
        }
        var agent = devices?.Elements("channel").Any(c => c.Element("target") is { } t && (string?)t.Attribute("name") == "org.qemu.guest_agent.0" && (string?)t.Attribute("state") == "connected") ?? false;
        var tpm = devices?.Elements("tpm").Any(t => (string?)t.Element("backend")?.Attribute("type") == "emulator") ?? false;
        return new DomainDisks(disks, skipped, agent, (string?)root.Element("os")?.Element("nvram"), tpm);
    }

    private static DomainDisk Disk(string target, XElement element, XElement source)
    {
        var index = (string?)source.Attribute("index");
        var chain = new List<string>();
        for (var layer = element; layer is not null; layer = layer.Element("backingStore"))
            if (PathOf(layer.Element("source")) is { } path) chain.Add(path);
        return new DomainDisk(target, PathOf(source), (string?)element.Element("driver")?.Attribute("type") ?? "raw", index is null ? null : $"libvirt-{index}-format", chain,
            element.Element("readonly") is not null, source.Attribute("dev") is not null);
    }

    private static string? PathOf(XElement? source) => (string?)source?.Attribute("file") ?? (string?)source?.Attribute("dev");
}
