using System.Security.Cryptography;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reads an OVA once, from front to back: descriptor first, then manifest, signature and files in any order. Nothing is trusted before the end, when every digest has been compared.</summary>
internal sealed class OvaReader
{
    private readonly TarStream _tar;
    private readonly IPackageSink _sink;
    private readonly string? _option;
    private readonly bool _head;
    private readonly Dictionary<string, Dictionary<HashAlgorithmName, byte[]>> _digests = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _small = new(StringComparer.Ordinal);
    private readonly HashSet<string> _poured = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _formats = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];
    private TarFile? _ahead;
    private OvfDescriptor? _descriptor;
    private Manifest? _manifest;
    private (string Name, byte[] Content)? _certificate;
    private OvaSignature? _signature;

    private OvaReader(Stream source, IPackageSink sink, string? option, bool head) => (_tar, _sink, _option, _head) = (new TarStream(source), sink, option, head);

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
        while (await TakeAsync(cancellation) is { } file) await FileAsync(file, cancellation);
        if (_descriptor is null) throw Refusal.Of("package", "it is empty.", "An OVA is a tar archive whose first file is the .ovf descriptor.");
        var wanted = _descriptor.Disks.Select(d => d.FileId).OfType<string>().Concat(_descriptor.Isos.Select(f => f.Id));
        if (!_head && wanted.FirstOrDefault(id => !_poured.Contains(id)) is { } missing) throw Refusal.Of(_descriptor.Files.First(f => f.Id == missing).Href, "the descriptor names it, but it is not in the package.");
        if (!_head) _manifest?.VerifyWhole(_digests.Keys);
        var signature = _signature ?? await JudgeAsync(cancellation);
        if (_manifest is null)
        {
            _warnings.Add("The package has no manifest: a damaged or changed file would not be noticed.");
            _small.Clear();
        }
        return new OvaContent(_descriptor, signature, _small, [.. _descriptor.Warnings, .. _warnings]) { Formats = _formats };
    }

    private async Task<TarFile?> TakeAsync(CancellationToken cancellation)
    {
        var file = _ahead ?? await _tar.NextAsync(cancellation);
        _ahead = null;
        return file;
    }

    private async Task FileAsync(TarFile file, CancellationToken cancellation)
    {
        var isDescriptor = Is(file, ".ovf");
        if (_descriptor is null != isDescriptor) throw Refusal.Of(file.Name, isDescriptor ? "it is a second descriptor." : "the package must begin with its .ovf descriptor.");
        var stream = Open(file);
        if (isDescriptor)
        {
            _descriptor = OvfParser.Parse(file.Name, await stream.BytesAsync(OvfXml.MaxBytes, cancellation), _option);
            if (_descriptor.Files.Any(f => f.ChunkBytes is not null)) _tar.MaxFiles = OvaLimits.MaxFiles + OvaLimits.MaxChunks;
            await _sink.DescriptorAsync(_descriptor, cancellation);
            await DoneAsync(stream, cancellation);
        }
        else if (Is(file, ".mf"))
        {
            if (_manifest is not null) throw Refusal.Of(file.Name, "it is a second manifest.");
            _manifest = Manifest.Parse(file.Name, await stream.BytesAsync(Manifest.MaxBytes, cancellation));
            foreach (var (name, digests) in _digests) _manifest.Verify(name, digests);
        }
        else if (Is(file, ".cert"))
        {
            if (_certificate is not null) throw Refusal.Of(file.Name, "it is a second signature.");
            _certificate = (file.Name, await stream.BytesAsync(SignatureCheck.MaxBytes, cancellation));
        }
        else await ContentAsync(_descriptor!, stream, cancellation);
        await stream.DisposeAsync();
    }

    private DigestStream Open(TarFile file) => new(file, _manifest?.AlgorithmsOf(file.Name) ?? Manifest.Algorithms);

    /// <summary>An entry was read: its digest is compared at once where the manifest came first.</summary>
    private async Task DoneAsync(DigestStream part, CancellationToken cancellation)
    {
        var digests = await part.FinishAsync(cancellation);
        _manifest?.Verify(part.File.Name, digests);
        _digests.Add(part.File.Name, digests);
    }

    private Task<OvaSignature> JudgeAsync(CancellationToken cancellation) =>
        _sink.JudgeAsync(_certificate is { } certificate ? SignatureCheck.Read(certificate.Name, certificate.Content, _manifest) : new PackageSignature(null, _manifest is not null, []), cancellation);

    private async Task ContentAsync(OvfDescriptor descriptor, DigestStream stream, CancellationToken cancellation)
    {
        var name = stream.File.Name;
        Covered(name);
        // Refused now rather than after the whole disk was read.
        if (_certificate is not null) _signature ??= await JudgeAsync(cancellation);
        var reference = descriptor.Files.FirstOrDefault(f => f.Href == name && f.ChunkBytes is null) ?? descriptor.Files.FirstOrDefault(f => f.ChunkBytes is not null && WholeFile.ChunkName(f, 0) == name);
        if (reference is null && descriptor.Files.FirstOrDefault(f => f.ChunkBytes is not null && name.StartsWith(f.Href, StringComparison.Ordinal)) is { } chunked)
            throw Refusal.Of(name, $"the descriptor says that {Refusal.Printable(chunked.Href)} is cut into chunks, and this is not its first.");
        await using var file = new WholeFile(stream, reference, NextAsync, DoneAsync);
        if (_sink.SmallFiles.Contains(name)) await _sink.SmallFileAsync(name, _small[name] = await stream.BytesAsync(OvaLimits.MaxSmallFile, cancellation), cancellation);
        else if (descriptor.Disks.FirstOrDefault(d => d.FileId is not null && d.FileId == reference?.Id) is { } disk) await DiskAsync(disk, reference!, file, cancellation);
        else if (reference is not null && descriptor.Isos.Contains(reference)) await IsoAsync(reference, file, cancellation);
        else _warnings.Add($"{Refusal.Printable(name)} is no disk and was left out.");
        await file.FinishAsync(cancellation);
    }

    private async Task DiskAsync(OvfDisk disk, OvfFile reference, WholeFile file, CancellationToken cancellation)
    {
        _poured.Add(reference.Id);
        if (await _sink.DiskAsync(disk, cancellation) is not { } path) return;
        await using var content = Unpacked(reference, file);
        _formats[disk.Id] = await DiskPour.RunAsync(new DiskSource(file.Name, content, reference.Gzip ? null : file.Bytes, disk), path, cancellation);
        await file.FinishAsync(cancellation);
        await _sink.DiskDoneAsync(disk, path, cancellation);
    }

    private async Task IsoAsync(OvfFile reference, WholeFile file, CancellationToken cancellation)
    {
        _poured.Add(reference.Id);
        if (await _sink.IsoAsync(reference, reference.Gzip ? null : file.Bytes, cancellation) is not { } path) return;
        await using var content = Unpacked(reference, file);
        await IsoPour.RunAsync(file.Name, content, path, cancellation);
        await file.FinishAsync(cancellation);
        await _sink.IsoDoneAsync(reference, path, cancellation);
    }

    private static Stream Unpacked(OvfFile reference, WholeFile file) => reference.Gzip ? new Gunzip(file.Name, file) : file;

    /// <summary>The next entry of the archive if it has this name; else it stays for the loop.</summary>
    private async Task<DigestStream?> NextAsync(string name, CancellationToken cancellation)
    {
        _ahead = await _tar.NextAsync(cancellation);
        if (_ahead?.Name != name) return null;
        var file = _ahead;
        _ahead = null;
        Covered(name);
        return Open(file);
    }

    private void Covered(string name)
    {
        if (_manifest is not null && !_manifest.Entries.ContainsKey(name)) throw Refusal.Of(name, $"the manifest {_manifest.FileName} does not cover it.");
    }

    private static bool Is(TarFile file, string extension) => file.Name.EndsWith(extension, StringComparison.OrdinalIgnoreCase);
}
