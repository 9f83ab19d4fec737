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

    /// <summary>A disk's file begins: where its image is to be written; null to pass over it.</summary>
    Task<string?> DiskAsync(OvfDisk disk, CancellationToken cancellation);

    /// <summary>The disk's image is whole (its digest is compared at the end of the package).</summary>
    Task DiskDoneAsync(OvfDisk disk, string path, CancellationToken cancellation);
}

/// <summary>A package that was read to its end, and whose digests hold.</summary>
/// <param name="Descriptor">What it says about itself.</param>
/// <param name="Signature">How far its digests and signature go.</param>
/// <param name="SmallFiles">The small files that were asked for and that its digests cover.</param>
/// <param name="Warnings">What was left out.</param>
internal sealed record OvaContent(OvfDescriptor Descriptor, OvaSignature Signature, IReadOnlyDictionary<string, byte[]> SmallFiles, IReadOnlyList<string> Warnings);
