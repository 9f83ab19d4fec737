namespace Quarterdeck.Appliances.Ova;

/// <summary>What an OVF descriptor says, for one of its deployment options; plain data that an operation's step can store.</summary>
internal sealed record OvfDescriptor
{
    public required string SystemId { get; init; }
    public required OvaProduct Product { get; init; }
    public IReadOnlyList<OvfFile> Files { get; init; } = [];
    public IReadOnlyList<OvfDisk> Disks { get; init; } = [];
    public IReadOnlyList<OvaNetwork> Networks { get; init; } = [];
    public IReadOnlyList<OvaProperty> Properties { get; init; } = [];
    public IReadOnlyList<OvaOption> Options { get; init; } = [];
    public string? Option { get; init; }
    public IReadOnlyList<string> Eulas { get; init; } = [];
    public required OvfHardware Hardware { get; init; }
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A file the descriptor references; <paramref name="Size"/> is null when it does not say.</summary>
internal sealed record OvfFile(string Id, string Href, long? Size);

/// <summary>A disk: with a file of the package, or empty.</summary>
internal sealed record OvfDisk(string Id, long CapacityBytes, string? FileId);
