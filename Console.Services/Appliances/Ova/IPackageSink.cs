namespace Quarterdeck.Appliances.Ova;

/// <summary>What is made of a package while it is read.</summary>
internal interface IPackageSink
{
    /// <summary>Names of small files to keep.</summary>
    IReadOnlyCollection<string> SmallFiles { get; }

    /// <summary>The descriptor was read, no disk yet: the place to refuse.</summary>
    Task DescriptorAsync(OvfDescriptor descriptor, CancellationToken cancellation);

    /// <summary>One of the <see cref="SmallFiles"/> was read; nothing vouches for it before the package was read to its end.</summary>
    Task SmallFileAsync(string name, byte[] content, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>The signature was checked, or there is none: what it is worth to this console. Comes before the first disk where the package allows it: the place to refuse.</summary>
    Task<OvaSignature> JudgeAsync(PackageSignature signature, CancellationToken cancellation);

    /// <summary>A disk's file begins: where its image is to be written; null to pass over it.</summary>
    Task<string?> DiskAsync(OvfDisk disk, CancellationToken cancellation);

    /// <summary>The disk's image is whole (its digest is compared at the end of the package).</summary>
    Task DiskDoneAsync(OvfDisk disk, string path, CancellationToken cancellation);

    /// <summary>A CD image begins: where it is to be written; null to pass over it.</summary>
    /// <param name="iso">The file; its <see cref="OvfFile.Id"/> is what <see cref="OvfDrive.FileId"/> names.</param>
    /// <param name="bytes">Its bytes when unpacked; null when that is not known before its end.</param>
    /// <param name="cancellation">Stops.</param>
    Task<string?> IsoAsync(OvfFile iso, long? bytes, CancellationToken cancellation);

    /// <summary>The CD image is whole.</summary>
    Task IsoDoneAsync(OvfFile iso, string path, CancellationToken cancellation);
}

/// <summary>What a package's <c>.cert</c> file holds, before anybody asks whom the console trusts.</summary>
/// <param name="FileName">Its name; null when there is none.</param>
/// <param name="HasDigests">Whether the package has a manifest.</param>
/// <param name="Certificates">The certificates in it (DER); the one that signed comes first.</param>
/// <param name="Broken">Why it does not hold; null when it does.</param>
/// <param name="Weak">Why it proves little although it holds; null when it is strong.</param>
internal sealed record PackageSignature(string? FileName, bool HasDigests, IReadOnlyList<byte[]> Certificates, string? Broken = null, string? Weak = null);

/// <summary>A package that was read to its end, and whose digests hold.</summary>
/// <param name="Descriptor">What it says about itself.</param>
/// <param name="Signature">How far its digests and signature go.</param>
/// <param name="SmallFiles">The small files that were asked for and that its digests cover.</param>
/// <param name="Warnings">What was left out.</param>
internal sealed record OvaContent(OvfDescriptor Descriptor, OvaSignature Signature, IReadOnlyDictionary<string, byte[]> SmallFiles, IReadOnlyList<string> Warnings)
{
    /// <summary>What each disk's file turned out to be, by the disk's id; empty where no disk was read.</summary>
    public IReadOnlyDictionary<string, string> Formats { get; init; } = new Dictionary<string, string>();
}
