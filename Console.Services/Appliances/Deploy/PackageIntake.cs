using Quarterdeck.Appliances.Exchange;
using Microsoft.Extensions.Options;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Reads uploads: into volumes, or only to see what is in them.</summary>
internal sealed class PackageIntake(ApplianceStore store, IEnumerable<IEnvironmentContributor> contributors, ConsoleOptions console, IOptions<AppliancesOptions> options)
{
    private const long MaxHeadBytes = 32 << 20;

    private IReadOnlyCollection<string> SmallFiles => [.. contributors.SelectMany(c => c.Files).Distinct()];

    /// <summary>The first step of a deployment. What it returns and what it logs holds no secret.</summary>
    public async Task<ReceivedPackage> ReceiveAsync(
        DeployInput input, ApplianceSpec spec, IHypervisor hypervisor, IOperationContext operation, Stream ova, long? length, CancellationToken cancellation, Heritage? heritage = null)
    {
        var receiver = new PackageReceiver(input, spec, hypervisor, operation, Path.Combine(console.DataFolder, "spool"), SmallFiles, heritage);
        long bytes = 0;
        await using var counted = new CountingStream(ova, options.Value.MaxPackageBytes, done => operation.Progress(bytes = done, length, "bytes"));
        var content = await OvaReader.ReadAsync(counted, receiver, spec.DeploymentOption, cancellation);
        // The request is a little longer than the package; the bar shall not stop short of its end.
        operation.Progress(bytes, bytes, "bytes");
        Signed(content.Signature, spec);
        foreach (var warning in content.Warnings) operation.Log(warning);
        var descriptor = content.Descriptor with { Properties = [.. content.Descriptor.Properties.Select(WithoutSecret)] };
        var disks = receiver.Disks(descriptor);
        var known = disks.Select(d => new ApplianceDisk(d.DiskId, d.Path, descriptor.Disks.First(x => x.Id == d.DiskId).FileId is null)).ToArray();
        await store.AddAsync(
            new ApplianceRow(input.ApplianceId, operation.Id, input.HostId, input.VmId, input.Name, descriptor.SystemId, descriptor.Product, [.. disks.Select(d => d.Path)], Values(receiver, secret: false)) { Disks = known },
            Values(receiver, secret: true), cancellation);
        return new ReceivedPackage(descriptor, disks, receiver.Networks, content.Signature, content.SmallFiles, bytes);
    }

    /// <summary>Says what is in a package; its digests and signature are verified, its disks are not unpacked.</summary>
    public async Task<OvaInspection> InspectAsync(Stream ova, CancellationToken cancellation)
    {
        await using var counted = new CountingStream(ova, options.Value.MaxPackageBytes, _ => { });
        return Describe(await OvaReader.ReadAsync(counted, new LookOnly(SmallFiles), option: null, cancellation));
    }

    /// <summary>The same of a package's small members alone: its disks are neither there nor verified.</summary>
    public async Task<OvaInspection> InspectHeadAsync(Stream head, CancellationToken cancellation)
    {
        await using var counted = new CountingStream(head, MaxHeadBytes, _ => { });
        return Describe(await OvaReader.ReadHeadAsync(counted, new LookOnly(SmallFiles), cancellation));
    }

    private OvaInspection Describe(OvaContent content)
    {
        var d = content.Descriptor;
        return new OvaInspection(
            d.Product, [.. d.Disks.Select(x => new OvaDisk(x.Id, x.CapacityBytes, d.Files.FirstOrDefault(f => f.Id == x.FileId)?.Size ?? 0))], d.Networks,
            [.. d.Properties.Select(WithoutSecret)], d.Options, d.Eulas, d.Hardware.Vcpus, d.Hardware.MemoryMiB, content.Signature, content.SmallFiles.Count > 0, content.Warnings)
        {
            Capabilities = [.. contributors.SelectMany(c => c.Asks(content.SmallFiles))],
            Hardware = d.Hardware.Report,
            Transports = d.Hardware.Transports,
            Efi = d.Hardware.Efi,
        };
    }

    private static void Signed(OvaSignature signature, ApplianceSpec spec)
    {
        if (signature.State is SignatureState.Trusted || spec.AllowUnsigned) return;
        var what = signature.State switch
        {
            SignatureState.NoManifest => "The package has no manifest of digests.",
            SignatureState.Unsigned => "The package is not signed.",
            _ => $"The package is signed by {signature.Publisher}, who is not a trusted publisher.",
        };
        throw new ProblemException(Problem.Invalid("allowUnsigned", what, "Send allowUnsigned: true if you know where the package comes from."));
    }

    private static OvaProperty WithoutSecret(OvaProperty property) => property.Password ? property with { Default = null } : property;

    private static Dictionary<string, string> Values(PackageReceiver receiver, bool secret) => receiver.Properties.Where(p => p.Value.Secret == secret).ToDictionary(p => p.Key, p => p.Value.Value);

    private sealed class LookOnly(IReadOnlyCollection<string> smallFiles) : IPackageSink
    {
        public IReadOnlyCollection<string> SmallFiles => smallFiles;
        public Task DescriptorAsync(OvfDescriptor descriptor, CancellationToken cancellation) => Task.CompletedTask;
        public Task<string?> DiskAsync(OvfDisk disk, CancellationToken cancellation) => Task.FromResult<string?>(null);
        public Task DiskDoneAsync(OvfDisk disk, string path, CancellationToken cancellation) => Task.CompletedTask;
    }
}
