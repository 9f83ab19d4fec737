using System.Security.Cryptography;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reads an OVA once, from front to back: descriptor first, then manifest, signature and files in any order. Nothing is trusted before the end, when every digest has been compared.</summary>
internal sealed class OvaReader
{
    private const int MaxFiles = 128;
    private readonly TarStream _tar;
    private readonly IPackageSink _sink;
    private readonly string? _option;
    private readonly bool _head;
    private readonly Dictionary<string, Dictionary<HashAlgorithmName, byte[]>> _digests = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _small = new(StringComparer.Ordinal);
    private readonly HashSet<string> _poured = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];
    private OvfDescriptor? _descriptor;
    private Manifest? _manifest;
    private (string Name, byte[] Content)? _certificate;
    private OvaSignature? _signature;

    private OvaReader(Stream source, IPackageSink sink, string? option, bool head) => (_tar, _sink, _option, _head) = (new TarStream(source, MaxFiles), sink, option, head);

    /// <param name="source">The package.</param>
    /// <param name="sink">What is made of it.</param>
    /// <param name="option">The deployment option wanted; null for the default.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="ProblemException">The package is refused; names the file and the reason.</exception>
    public static Task<OvaContent> ReadAsync(Stream source, IPackageSink sink, string? option, CancellationToken cancellation) => new OvaReader(source, sink, option, head: false).ReadAsync(cancellation);

    /// <summary>Reads only the small members of a package, which the sender put into a tar of their own: what is there is verified, what is not there is not missed.</summary>
    /// <exception cref="ProblemException">The package is refused; names the file and the reason.</exception>
    public static Task<OvaContent> ReadHeadAsync(Stream source, IPackageSink sink, CancellationToken cancellation) => new OvaReader(source, sink, option: null, head: true).ReadAsync(cancellation);

    private async Task<OvaContent> ReadAsync(CancellationToken cancellation)
    {
        while (await _tar.NextAsync(cancellation) is { } file) await FileAsync(file, cancellation);
        if (_descriptor is null) throw Refusal.Of("package", "it is empty.", "An OVA is a tar archive whose first file is the .ovf descriptor.");
        var missing = _descriptor.Disks.FirstOrDefault(d => d.FileId is not null && !_poured.Contains(d.Id));
        if (missing is not null && !_head) throw Refusal.Of(_descriptor.Files.First(f => f.Id == missing.FileId).Href, "the descriptor names it, but it is not in the package.");
        _manifest?.Verify(_digests, whole: !_head);
        var signature = _signature ?? await JudgeAsync(cancellation);
        if (_manifest is null)
        {
            _warnings.Add("The package has no manifest: a damaged or changed file would not be noticed.");
            _small.Clear();
        }
        return new OvaContent(_descriptor, signature, _small, [.. _descriptor.Warnings, .. _warnings]);
    }

    private async Task FileAsync(TarFile file, CancellationToken cancellation)
    {
        var isDescriptor = Is(file, ".ovf");
        if (_descriptor is null != isDescriptor) throw Refusal.Of(file.Name, isDescriptor ? "it is a second descriptor." : "the package must begin with its .ovf descriptor.");
        await using var stream = new DigestStream(file, _manifest?.AlgorithmsOf(file.Name) ?? Manifest.Algorithms);
        if (isDescriptor)
        {
            _descriptor = OvfParser.Parse(file.Name, await stream.BytesAsync(OvfXml.MaxBytes, cancellation), _option);
            await _sink.DescriptorAsync(_descriptor, cancellation);
        }
        else if (Is(file, ".mf"))
        {
            if (_manifest is not null) throw Refusal.Of(file.Name, "it is a second manifest.");
            _manifest = Manifest.Parse(file.Name, await stream.BytesAsync(Manifest.MaxBytes, cancellation));
            return;
        }
        else if (Is(file, ".cert"))
        {
            if (_certificate is not null) throw Refusal.Of(file.Name, "it is a second signature.");
            _certificate = (file.Name, await stream.BytesAsync(SignatureCheck.MaxBytes, cancellation));
            return;
        }
        else await ContentAsync(_descriptor!, stream, cancellation);
        _digests.Add(file.Name, await stream.FinishAsync(cancellation));
    }

    private Task<OvaSignature> JudgeAsync(CancellationToken cancellation) =>
        _sink.JudgeAsync(_certificate is { } certificate ? SignatureCheck.Read(certificate.Name, certificate.Content, _manifest) : new PackageSignature(null, _manifest is not null, []), cancellation);

    private async Task ContentAsync(OvfDescriptor descriptor, DigestStream stream, CancellationToken cancellation)
    {
        var file = stream.File;
        // Refused now rather than after the whole disk was read.
        if (_certificate is not null) _signature ??= await JudgeAsync(cancellation);
        if (_manifest is not null && !_manifest.Entries.ContainsKey(file.Name)) throw Refusal.Of(file.Name, $"the manifest {_manifest.FileName} does not cover it.");
        var reference = descriptor.Files.FirstOrDefault(f => f.Href == file.Name);
        if (reference?.Size is { } size && size != file.Size) throw Refusal.Of(file.Name, $"it has {file.Size} bytes, but the descriptor says {size}.");
        if (_sink.SmallFiles.Contains(file.Name)) await _sink.SmallFileAsync(file.Name, _small[file.Name] = await stream.BytesAsync(OvaLimits.MaxSmallFile, cancellation), cancellation);
        else if (descriptor.Disks.FirstOrDefault(d => d.FileId is not null && d.FileId == reference?.Id) is { } disk)
        {
            if (await _sink.DiskAsync(disk, cancellation) is { } path)
            {
                await DiskPour.RunAsync(file.Name, stream, disk.CapacityBytes, path, cancellation);
                await _sink.DiskDoneAsync(disk, path, cancellation);
            }
            _poured.Add(disk.Id);
        }
        else _warnings.Add($"{Refusal.Printable(file.Name)} is no disk and was left out.");
    }

    private static bool Is(TarFile file, string extension) => file.Name.EndsWith(extension, StringComparison.OrdinalIgnoreCase);
}
