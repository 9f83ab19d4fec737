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

    /// <summary>The files that lie in CD drives.</summary>
    public IEnumerable<OvfFile> Isos => Hardware.CdDrives.Select(d => d.FileId).OfType<string>().Distinct().Select(id => Files.First(f => f.Id == id));
}

/// <summary>A file the descriptor references.</summary>
/// <param name="Id">What disks and drives call it.</param>
/// <param name="Href">Its name in the package; that of its chunks before their numbers.</param>
/// <param name="Size">Bytes in the package, all chunks together; null when the descriptor does not say.</param>
/// <param name="Gzip">Whether it is packed with gzip.</param>
/// <param name="ChunkBytes">Bytes of each of its chunks but the last; null when it is whole.</param>
internal sealed record OvfFile(string Id, string Href, long? Size, bool Gzip = false, long? ChunkBytes = null);

/// <summary>A disk: with a file of the package, or empty.</summary>
/// <param name="Id">What drives call it.</param>
/// <param name="CapacityBytes">Size as the guest sees it.</param>
/// <param name="FileId">Its file; null for an empty disk.</param>
/// <param name="Format">The kind of file as the descriptor names it (an address, as a rule); null when it does not say.</param>
internal sealed record OvfDisk(string Id, long CapacityBytes, string? FileId, string? Format = null);
