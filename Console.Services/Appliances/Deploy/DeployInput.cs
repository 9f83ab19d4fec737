using Quarterdeck.Appliances.Ova;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>What the operation is queued with. Property values are not in it: which of them are secrets is known only once the descriptor is read.</summary>
internal sealed record DeployInput(
    Guid ApplianceId, Guid VmId, Guid HostId, string Name, bool Start, bool? Plugin)
{
    /// <summary>Permission keys that the administrator approves.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>A volume's name: readable, and never another VM's.</summary>
    public string VolumeName(string suffix)
    {
        var name = new string([.. Name.Take(60).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '_')]);
        return $"{name}-{VmId.ToString("N")[^12..]}-{suffix}";
    }
}

/// <summary>Result of the first step: the package was read, verified, and its disks are volumes of the host.</summary>
internal sealed record ReceivedPackage(
    OvfDescriptor Descriptor, IReadOnlyList<DiskVolume> Disks, IReadOnlyDictionary<string, string> Networks, OvaSignature Signature, IReadOnlyDictionary<string, byte[]> SmallFiles, long Bytes)
{
    /// <summary>The volumes of the package's CD images.</summary>
    public IReadOnlyList<IsoVolume> Isos { get; init; } = [];
}

/// <summary>The volume of a package's CD image; <see cref="OvfDrive.FileId"/> says which drive holds it.</summary>
internal sealed record IsoVolume(string FileId, string Path);

/// <summary>The volume of a package's disk.</summary>
internal sealed record DiskVolume(string DiskId, string Path);

/// <summary>A volume by the names that outlive a restart; what a note says.</summary>
internal sealed record VolumeName(string Pool, string Name)
{
    public override string ToString() => $"{Pool}/{Name}";

    public static VolumeName Parse(string text) => new(text[..text.LastIndexOf('/')], text[(text.LastIndexOf('/') + 1)..]);
}
