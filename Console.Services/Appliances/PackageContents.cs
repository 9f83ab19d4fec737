using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances;

/// <summary>As much of a package as could be read: for checks that shall say all that is wrong, not only the first thing. Nothing is kept and nothing is deployed.</summary>
public sealed record PackageContents
{
    /// <summary>Why the package would not be deployed; null when it was read to its end and its digests hold.</summary>
    public Problem? Refusal { get; init; }

    /// <summary>What the descriptor says it is; null when there was none to read.</summary>
    public OvaProduct? Product { get; init; }

    /// <summary>Names of the files under the descriptor's References.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>Ids of all its disks.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>Ids of its disks without a file.</summary>
    public IReadOnlyList<string> EmptyDisks { get; init; } = [];

    /// <summary>Network cards under the default option.</summary>
    public int Cards { get; init; }

    /// <summary>How it wants to be told its properties.</summary>
    public IReadOnlyList<string> Transports { get; init; } = [];

    /// <summary>Whether it is signed, without asking whom this console trusts; null when it was not read that far.</summary>
    public OvaSignature? Signature { get; init; }

    /// <summary>The small files asked for, by name; vouched for only without a <see cref="Refusal"/> and with digests.</summary>
    public IReadOnlyDictionary<string, byte[]> Files { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>What a deployment leaves out or maps to something else.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reads a package once, to its end or to what is refused.</summary>
    /// <param name="package">The OVA; not sought.</param>
    /// <param name="files">Names of small files to keep.</param>
    /// <param name="maxBytes">The most bytes it may have.</param>
    /// <param name="cancellation">Stops reading.</param>
    public static async Task<PackageContents> ReadAsync(Stream package, IReadOnlyCollection<string> files, long maxBytes, CancellationToken cancellation)
    {
        var sink = new Collector(files);
        await using var counted = new CountingStream(package, maxBytes, _ => { });
        try
        {
            var content = await OvaReader.ReadAsync(counted, sink, option: null, cancellation);
            return sink.Contents() with { Signature = content.Signature, Warnings = content.Warnings };
        }
        catch (ProblemException e)
        {
            return sink.Contents() with { Refusal = e.Problem };
        }
    }

    /// <summary>Remembers what it saw, so that a package refused in its middle still says something.</summary>
    private sealed class Collector(IReadOnlyCollection<string> files) : IPackageSink
    {
        private readonly Dictionary<string, byte[]> _files = [];
        private OvfDescriptor? _descriptor;
        private OvaSignature? _signature;

        public IReadOnlyCollection<string> SmallFiles => files;

        public PackageContents Contents() => _descriptor is not { } d ? new PackageContents { Files = _files } : new PackageContents
        {
            Product = d.Product,
            References = [.. d.Files.Select(f => f.Href)],
            Disks = [.. d.Disks.Select(x => x.Id)],
            EmptyDisks = [.. d.Disks.Where(x => x.FileId is null).Select(x => x.Id)],
            Cards = d.Hardware.Cards.Count,
            Transports = d.Hardware.Transports,
            Signature = _signature,
            Files = _files,
            Warnings = d.Warnings,
        };

        public Task DescriptorAsync(OvfDescriptor descriptor, CancellationToken cancellation)
        {
            _descriptor = descriptor;
            return Task.CompletedTask;
        }

        public Task SmallFileAsync(string name, byte[] content, CancellationToken cancellation)
        {
            _files[name] = content;
            return Task.CompletedTask;
        }

        public Task<OvaSignature> JudgeAsync(PackageSignature signature, CancellationToken cancellation)
        {
            _signature = signature.FileName is null ? new OvaSignature(SignatureState.None, null) { HasDigests = signature.HasDigests }
                : new OvaSignature(signature.Broken is null ? SignatureState.Untrusted : SignatureState.Invalid, Signer(signature)) { Reason = signature.Broken ?? signature.Weak, HasDigests = signature.HasDigests };
            return Task.FromResult(_signature);
        }

        private static string? Signer(PackageSignature signature)
        {
            if (signature.Certificates.Count == 0) return null;
            using var certificate = X509CertificateLoader.LoadCertificate(signature.Certificates[0]);
            return certificate.Subject;
        }

        public Task<string?> DiskAsync(OvfDisk disk, CancellationToken cancellation) => Task.FromResult<string?>(null);
        public Task DiskDoneAsync(OvfDisk disk, string path, CancellationToken cancellation) => Task.CompletedTask;
        public Task<string?> IsoAsync(OvfFile iso, long? bytes, CancellationToken cancellation) => Task.FromResult<string?>(null);
        public Task IsoDoneAsync(OvfFile iso, string path, CancellationToken cancellation) => Task.CompletedTask;
    }
}
