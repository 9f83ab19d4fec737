using Quarterdeck.Appliances.Exchange;
using Microsoft.Extensions.Options;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Appliances.Signatures;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Reads uploads: into volumes, or only to see what is in them.</summary>
internal sealed class PackageIntake(ApplianceStore store, IEnumerable<IEnvironmentContributor> contributors, PublisherTrust trust, ConsoleOptions console, IOptions<AppliancesOptions> options)
{
    private const long MaxHeadBytes = 32 << 20;

    private IReadOnlyCollection<string> SmallFiles => [.. contributors.SelectMany(c => c.Files).Distinct()];

    /// <summary>The first step of a deployment. What it returns and what it logs holds no secret.</summary>
    public async Task<ReceivedPackage> ReceiveAsync(
        DeployInput input, ApplianceSpec spec, IHypervisor hypervisor, IOperationContext operation, Stream ova, long? length, CancellationToken cancellation, Heritage? heritage = null)
    {
        var receiver = new PackageReceiver(input, spec, hypervisor, operation, Path.Combine(console.DataFolder, "spool"), SmallFiles, trust, heritage);
        long bytes = 0;
        await using var counted = new CountingStream(ova, options.Value.MaxPackageBytes, done => operation.Progress(bytes = done, length, "bytes"));
        await using var ahead = new ReadAhead(counted, cancellation);
        var content = await OvaReader.ReadAsync(ahead, receiver, spec.DeploymentOption, cancellation);
        // The request is a little longer than the package; the bar shall not stop short of its end.
        operation.Progress(bytes, bytes, "bytes");
        foreach (var warning in content.Warnings) operation.Log(warning);
        var descriptor = content.Descriptor with { Properties = [.. content.Descriptor.Properties.Select(WithoutSecret)] };
        var disks = receiver.Disks(descriptor);
        var known = disks.Select(d => new ApplianceDisk(d.DiskId, d.Path, descriptor.Disks.First(x => x.Id == d.DiskId).FileId is null)).ToArray();
        await store.AddAsync(
            new ApplianceRow(input.ApplianceId, operation.Id, input.HostId, input.VmId, input.Name, descriptor.SystemId, descriptor.Product, [.. disks.Select(d => d.Path), .. receiver.Isos.Select(i => i.Path)], Values(receiver, secret: false))
            {
                Disks = known, Signature = content.Signature, Option = descriptor.Option, Networks = receiver.Networks, PackageBytes = bytes,
            },
            Values(receiver, secret: true), cancellation);
        return new ReceivedPackage(descriptor, disks, receiver.Networks, content.Signature, content.SmallFiles, bytes) { Isos = receiver.Isos };
    }

    /// <summary>Says what is in a package; its digests and signature are verified, its disks are not unpacked.</summary>
    public async Task<OvaInspection> InspectAsync(Stream ova, CancellationToken cancellation)
    {
        await using var counted = new CountingStream(ova, options.Value.MaxPackageBytes, _ => { });
        return Describe(await OvaReader.ReadAsync(counted, new LookOnly(SmallFiles, trust), option: null, cancellation));
    }

    /// <summary>The same of a package's small members alone: its disks are neither there nor verified.</summary>
    public async Task<OvaInspection> InspectHeadAsync(Stream head, CancellationToken cancellation)
    {
        await using var counted = new CountingStream(head, MaxHeadBytes, _ => { });
        return Describe(await OvaReader.ReadHeadAsync(counted, new LookOnly(SmallFiles, trust), cancellation));
    }

    private OvaInspection Describe(OvaContent content)
    {
        var d = content.Descriptor;
        return new OvaInspection(
            d.Product, [.. d.Disks.Select(x => Disk(x, content))], d.Networks,
            [.. d.Properties.Select(WithoutSecret)], d.Options, d.Eulas, d.Hardware.Vcpus, d.Hardware.MemoryMiB, content.Signature, content.SmallFiles.Count > 0, content.Warnings)
        {
            Capabilities = [.. contributors.SelectMany(c => c.Asks(content.SmallFiles))],
            Hardware = d.Hardware.Report,
            Transports = d.Hardware.Transports,
            Efi = d.Hardware.Efi,
            Isos = [.. d.Isos.Select(f => new OvaIso(f.Href, f.Size ?? 0))],
        };
    }

    private static OvaDisk Disk(OvfDisk disk, OvaContent content) =>
        new(disk.Id, disk.CapacityBytes, content.Descriptor.Files.FirstOrDefault(f => f.Id == disk.FileId)?.Size ?? 0) { Format = content.Formats.GetValueOrDefault(disk.Id) ?? DiskFormats.Declared(disk) };

    private static OvaProperty WithoutSecret(OvaProperty property) => property.Password ? property with { Default = null } : property;

    private static Dictionary<string, string> Values(PackageReceiver receiver, bool secret) => receiver.Properties.Where(p => p.Value.Secret == secret).ToDictionary(p => p.Key, p => p.Value.Value);

    private sealed class LookOnly(IReadOnlyCollection<string> smallFiles, PublisherTrust trust) : IPackageSink
    {
        public IReadOnlyCollection<string> SmallFiles => smallFiles;
        public Task DescriptorAsync(OvfDescriptor descriptor, CancellationToken cancellation) => Task.CompletedTask;
        public Task<string?> DiskAsync(OvfDisk disk, CancellationToken cancellation) => Task.FromResult<string?>(null);
        public Task DiskDoneAsync(OvfDisk disk, string path, CancellationToken cancellation) => Task.CompletedTask;
        public Task<OvaSignature> JudgeAsync(PackageSignature signature, CancellationToken cancellation) => trust.JudgeAsync(signature, cancellation);
        public Task<string?> IsoAsync(OvfFile iso, long? bytes, CancellationToken cancellation) => Task.FromResult<string?>(null);
        public Task IsoDoneAsync(OvfFile iso, string path, CancellationToken cancellation) => Task.CompletedTask;
    }
}
