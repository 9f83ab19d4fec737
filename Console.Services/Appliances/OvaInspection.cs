namespace Quarterdeck.Appliances;

/// <summary>What a package says about itself; the answer of <c>POST /appliances/inspect</c>.</summary>
/// <param name="Product">What it is and who made it.</param>
/// <param name="Disks">Its disks in the order of the descriptor.</param>
/// <param name="Networks">Its networks; each must be mapped to a host network.</param>
/// <param name="Properties">The settings it takes; only the user-configurable ones may be given.</param>
/// <param name="Options">Its deployment options; empty when it has none.</param>
/// <param name="Eulas">Licence texts that must be accepted; empty when it has none.</param>
/// <param name="Vcpus">Virtual CPUs of the default option.</param>
/// <param name="MemoryMiB">Memory of the default option in MiB.</param>
/// <param name="Signature">Whether it is signed, and by whom.</param>
/// <param name="Plugin">Whether it carries <c>quarterdeck-plugin.json</c>, covered by its digests.</param>
/// <param name="Warnings">What was left out or mapped to something else.</param>
public sealed record OvaInspection(
    OvaProduct Product,
    IReadOnlyList<OvaDisk> Disks,
    IReadOnlyList<OvaNetwork> Networks,
    IReadOnlyList<OvaProperty> Properties,
    IReadOnlyList<OvaOption> Options,
    IReadOnlyList<string> Eulas,
    int Vcpus,
    long MemoryMiB,
    OvaSignature Signature,
    bool Plugin,
    IReadOnlyList<string> Warnings)
{
    /// <summary>CD images that the package's CD drives hold; each becomes a volume of its own.</summary>
    public IReadOnlyList<OvaIso> Isos { get; init; } = [];

    /// <summary>What becomes of each hardware item of the default option.</summary>
    public IReadOnlyList<OvaHardwareItem> Hardware { get; init; } = [];

    /// <summary>How the package wants to be told its properties: <c>iso</c>, <c>com.vmware.guestInfo</c>; empty when it does not say.</summary>
    public IReadOnlyList<string> Transports { get; init; } = [];

    /// <summary>Whether it wants UEFI firmware instead of a BIOS.</summary>
    public bool Efi { get; init; }

    /// <summary>What the plug-in asks to be allowed; empty when it is none or asks for nothing.</summary>
    public IReadOnlyList<OvaCapability> Capabilities { get; init; } = [];
}

/// <summary>What becomes of one hardware item of a package.</summary>
/// <param name="Name">The item's name in the package.</param>
/// <param name="Kind">What it is, for people: <c>network card</c>, <c>floppy drive</c>.</param>
/// <param name="Becomes">What the VM gets for it, for people; null when it is left out.</param>
public sealed record OvaHardwareItem(string Name, string Kind, string? Becomes);

/// <summary>A permission that a plug-in asks for.</summary>
/// <param name="Key">The permission's key, such as <c>vms.read</c>.</param>
/// <param name="Description">What it allows, in plain words; null when the console knows no such permission: then it is never granted.</param>
/// <param name="Minimum">The least role that has it: <c>viewer</c>, <c>operator</c>, <c>administrator</c>; null when unknown.</param>
public sealed record OvaCapability(string Key, string? Description, string? Minimum);

/// <summary>What a package is and who made it.</summary>
/// <param name="Name">Product name, else the virtual system's name.</param>
/// <param name="Vendor">Empty when the package does not say.</param>
/// <param name="Version">Empty when the package does not say.</param>
/// <param name="OperatingSystem">For people; empty when the package does not say.</param>
public sealed record OvaProduct(string Name, string Vendor, string Version, string OperatingSystem);

/// <summary>A disk of a package.</summary>
/// <param name="Id">Its id in the descriptor.</param>
/// <param name="CapacityBytes">Size as the guest sees it.</param>
/// <param name="FileBytes">Size of its file in the package; 0 for an empty disk.</param>
public sealed record OvaDisk(string Id, long CapacityBytes, long FileBytes)
{
    /// <summary>What its file is: <c>vmdk</c>, <c>qcow2</c>, <c>raw</c>; <c>empty</c> for a disk without a file, and empty where only the head of the package was read and its descriptor does not say.</summary>
    public string Format { get; init; } = "";
}

/// <summary>A CD image of a package.</summary>
/// <param name="FileName">Its name in the package.</param>
/// <param name="FileBytes">Its bytes there; 0 when the descriptor does not say.</param>
public sealed record OvaIso(string FileName, long FileBytes);

/// <summary>A network that a package names.</summary>
/// <param name="Name">Its name in the descriptor.</param>
/// <param name="Description">For people.</param>
public sealed record OvaNetwork(string Name, string Description);

/// <summary>A setting that a package takes.</summary>
/// <param name="Key">Full key, <c>class.key.instance</c>.</param>
/// <param name="Type">OVF type: <c>string</c>, <c>boolean</c>, <c>uint8</c> … <c>real64</c>.</param>
/// <param name="Default">Its value unless given; null for a password.</param>
/// <param name="UserConfigurable">Whether a value may be given.</param>
/// <param name="Password">Whether it is a secret.</param>
/// <param name="Label">Name for people; the key when the package has none.</param>
/// <param name="Description">For people.</param>
/// <param name="Category">Heading it is shown under; empty for none.</param>
/// <param name="MinLength">Fewest characters of a string; null for any.</param>
/// <param name="MaxLength">Most characters of a string; null for any.</param>
/// <param name="Values">The values it may have; empty for any.</param>
public sealed record OvaProperty(
    string Key,
    string Type,
    string? Default,
    bool UserConfigurable,
    bool Password,
    string Label,
    string Description,
    string Category,
    int? MinLength,
    int? MaxLength,
    IReadOnlyList<string> Values)
{
    /// <summary>The least number allowed (type and qualifiers); null for none, and for what is no number. A decimal numeral.</summary>
    public string? MinValue { get; init; }

    /// <summary>The greatest number allowed; as <see cref="MinValue"/>.</summary>
    public string? MaxValue { get; init; }

    /// <summary>What a string must be: <c>ip</c> (one address), <c>ip-list</c> (addresses with commas between), <c>text</c> otherwise.</summary>
    public string Format { get; init; } = "text";

    /// <summary>Its value unless given, by deployment option, when the package makes it depend on that; empty otherwise, and for a password.</summary>
    public IReadOnlyDictionary<string, string> DefaultByOption { get; init; } = new Dictionary<string, string>();
}

/// <summary>A deployment option of a package.</summary>
/// <param name="Id">What <see cref="ApplianceSpec.DeploymentOption"/> takes.</param>
/// <param name="Label">Name for people.</param>
/// <param name="Description">For people.</param>
/// <param name="Default">Whether it is taken unless another is named.</param>
public sealed record OvaOption(string Id, string Label, string Description, bool Default)
{
    /// <summary>Virtual CPUs under this option.</summary>
    public int Vcpus { get; init; }

    /// <summary>Memory under this option in MiB.</summary>
    public long MemoryMiB { get; init; }

    /// <summary>Ids of the disks attached under this option.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>Network cards under this option.</summary>
    public int Cards { get; init; }
}

/// <summary>Who vouches for a package.</summary>
public enum SignatureState
{
    /// <summary>Nobody signed it. Whether it has digests at all, <see cref="OvaSignature.HasDigests"/> says.</summary>
    None,
    /// <summary>A trusted publisher signed its digests.</summary>
    Trusted,
    /// <summary>The signature holds, but no trusted publisher stands behind it; <see cref="OvaSignature.Reason"/> says why.</summary>
    Untrusted,
    /// <summary>The signature does not hold or cannot be read: the package was changed after signing. It is never deployed.</summary>
    Invalid,
    /// <summary>The publisher's trust was withdrawn. It is never deployed.</summary>
    Revoked,
}

/// <summary>Whether a package is signed, by whom, and what that is worth to this console.</summary>
/// <param name="State">What the signature is worth.</param>
/// <param name="Publisher">The trusted publisher's name where there is one, else the subject of the signing certificate; null when unsigned.</param>
/// <param name="Fingerprint">SHA-256 of the signing certificate, 64 hexadecimal digits; null when unsigned.</param>
public sealed record OvaSignature(SignatureState State, string? Publisher, string? Fingerprint = null)
{
    /// <summary>Why it is not trusted, in a sentence; null when it is, or when nobody signed.</summary>
    public string? Reason { get; init; }

    /// <summary>Whether the package has a manifest of digests: without one a changed byte would not be noticed.</summary>
    public bool HasDigests { get; init; } = true;
}
