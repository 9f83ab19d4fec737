using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Appliances;
using Quarterdeck.Appliances.Ova;

namespace Quarterdeck.Tests.Appliances;

/// <summary>Takes a package's disks into a folder of its own that is removed in the end.</summary>
internal sealed class FolderSink : IPackageSink, IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("qd-ova-").FullName;

    public OvfDescriptor? Descriptor { get; private set; }

    public Dictionary<string, string> Done { get; } = [];

    public IReadOnlyCollection<string> SmallFiles => ["quarterdeck-plugin.json"];

    public Task DescriptorAsync(OvfDescriptor descriptor, CancellationToken cancellation)
    {
        Descriptor = descriptor;
        return Task.CompletedTask;
    }

    public Task<string?> DiskAsync(OvfDisk disk, CancellationToken cancellation) => Task.FromResult<string?>(Path.Combine(Folder, disk.Id + ".qcow2"));

    public Task DiskDoneAsync(OvfDisk disk, string path, CancellationToken cancellation)
    {
        Done[disk.Id] = path;
        return Task.CompletedTask;
    }

    public Dictionary<string, string> Isos { get; } = [];

    public Task<OvaSignature> JudgeAsync(PackageSignature signature, CancellationToken cancellation) => Task.FromResult(
        signature.FileName is null ? new OvaSignature(SignatureState.None, null) { HasDigests = signature.HasDigests }
        : signature.Broken is { } why ? throw Refusal.Of(signature.FileName, why)
        : new OvaSignature(SignatureState.Untrusted, X509CertificateLoader.LoadCertificate(signature.Certificates[0]).Subject));

    public Task<string?> IsoAsync(OvfFile iso, long? bytes, CancellationToken cancellation) => Task.FromResult<string?>(Path.Combine(Folder, iso.Id + ".iso"));

    public Task IsoDoneAsync(OvfFile iso, string path, CancellationToken cancellation)
    {
        Isos[iso.Id] = path;
        return Task.CompletedTask;
    }

    public static async Task<OvaContent> ReadAsync(byte[] ova, FolderSink sink, string? option = null) =>
        await OvaReader.ReadAsync(new Slow(ova), sink, option, CancellationToken.None);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Gives few bytes at a time, as a network does.</summary>
    private sealed class Slow(byte[] bytes) : MemoryStream(bytes)
    {
        private int _turn;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, 1 + (_turn++ * 7919) % 70_000)], cancellationToken);
    }
}
