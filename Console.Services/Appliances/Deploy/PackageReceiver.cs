using Quarterdeck.Appliances.Exchange;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Appliances.Signatures;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Makes volumes of a package's disks while it is read.</summary>
/// <remarks>What is taken over from an appliance (<c>heritage</c>) is not made again. Each volume is noted before it is made, so that a kill leaves nothing. On a host that shares no files with the console, images pass through the data folder.</remarks>
internal sealed class PackageReceiver(
    DeployInput input, ApplianceSpec spec, IHypervisor hypervisor, IOperationContext operation, string spoolFolder, IReadOnlyCollection<string> smallFiles, PublisherTrust trust, Heritage? heritage = null) : IPackageSink
{
    private const long Sector = 512;
    private readonly List<IsoVolume> _isos = [];
    private HashSet<string> _attached = [];
    private readonly Dictionary<string, DiskVolume> _disks = [];
    private readonly Dictionary<string, string> _volumes = [];
    private PoolInfo? _pool;

    public static readonly Problem NoUefi = Problem.Conflict("The host has no UEFI firmware", "The package needs a VM with UEFI. Install the firmware on the host (Debian: apt-get install ovmf), or choose another host.");

    public IReadOnlyCollection<string> SmallFiles => smallFiles;

    /// <summary>Every property's value; known once the descriptor was read.</summary>
    public IReadOnlyDictionary<string, PropertyValue> Properties { get; private set; } = new Dictionary<string, PropertyValue>();

    /// <summary>The host network of each of the package's networks.</summary>
    public IReadOnlyDictionary<string, string> Networks { get; private set; } = new Dictionary<string, string>();

    public async Task DescriptorAsync(OvfDescriptor descriptor, CancellationToken cancellation)
    {
        if (heritage is not null) (spec, descriptor) = heritage.Complete(spec, descriptor);
        Properties = SpecCheck.Against(spec, descriptor);
        if (descriptor.Hardware.Efi && !await hypervisor.HasUefiAsync(cancellation))
            throw new ProblemException(NoUefi);
        Networks = await HostNetwork.MapAsync(spec.Networks, descriptor.Networks, hypervisor, cancellation);
        _pool = await hypervisor.EnsurePoolAsync(null, cancellation);
        operation.Log($"{descriptor.Product.Name} {descriptor.Product.Version}: {descriptor.Disks.Count} disks, {descriptor.Hardware.Vcpus} virtual CPUs, {descriptor.Hardware.MemoryMiB} MiB of memory.");
        foreach (var disk in descriptor.Disks.Where(d => heritage?.Keeps(d) is true)) Keep(heritage!.Disks[disk.Id], disk);
        _attached = [.. descriptor.Hardware.Drives.Select(d => d.DiskId!)];
        foreach (var disk in descriptor.Disks.Where(d => d.FileId is null && !_disks.ContainsKey(d.Id) && _attached.Contains(d.Id))) await VolumeAsync(disk, cancellation);
    }

    /// <summary>The volumes of CD images so far.</summary>
    public IReadOnlyList<IsoVolume> Isos => _isos;

    public async Task<OvaSignature> JudgeAsync(PackageSignature signature, CancellationToken cancellation)
    {
        var judged = await trust.JudgeAsync(signature, cancellation);
        SignaturePolicy.Enforce(judged, signature.FileName, spec);
        return judged;
    }

    public async Task<string?> DiskAsync(OvfDisk disk, CancellationToken cancellation)
    {
        if (_disks.ContainsKey(disk.Id)) return null; // kept from before
        if (!_attached.Contains(disk.Id)) return null; // the chosen option goes without it
        var volume = await VolumeAsync(disk, cancellation);
        return hypervisor.SharesFileSystem ? volume : await SpoolAsync(Path.GetFileName(volume));
    }

    public async Task DiskDoneAsync(OvfDisk disk, string path, CancellationToken cancellation)
    {
        var volume = _volumes[disk.Id];
        if (path == volume) return;
        await using (var content = File.OpenRead(path)) await hypervisor.UploadVolumeAsync(volume, content, content.Length, cancellation);
        File.Delete(path);
    }

    private void Keep(string path, OvfDisk disk)
    {
        _disks[disk.Id] = new DiskVolume(disk.Id, path);
        operation.Log($"The data disk '{disk.Id}' is kept.");
    }

    /// <summary>The volumes in the order of the descriptor's disks.</summary>
    public IReadOnlyList<DiskVolume> Disks(OvfDescriptor descriptor) => [.. descriptor.Disks.Where(d => _disks.ContainsKey(d.Id)).Select(d => _disks[d.Id])];

    public async Task<string?> IsoAsync(OvfFile iso, long? bytes, CancellationToken cancellation)
    {
        if (!hypervisor.SharesFileSystem) return await SpoolAsync(IsoName());
        return await IsoVolumeAsync(iso, bytes ?? Sector, cancellation);
    }

    public async Task IsoDoneAsync(OvfFile iso, string path, CancellationToken cancellation)
    {
        if (hypervisor.SharesFileSystem) return;
        await using (var content = File.OpenRead(path)) await hypervisor.UploadVolumeAsync(await IsoVolumeAsync(iso, content.Length, cancellation), content, content.Length, cancellation);
        File.Delete(path);
    }

    private string IsoName() => input.VolumeName($"cd{_isos.Count + 1}.iso");

    private async Task<string> IsoVolumeAsync(OvfFile iso, long bytes, CancellationToken cancellation)
    {
        var name = IsoName();
        await operation.NoteAsync(DeployNotes.Volume, new VolumeName(_pool!.Name, name).ToString());
        var volume = await hypervisor.CreateVolumeAsync(new NewVolume(_pool.Name, name, "raw", (bytes + Sector - 1) & -Sector), cancellation);
        _isos.Add(new IsoVolume(iso.Id, volume.Path));
        return volume.Path;
    }

    private async Task<string> SpoolAsync(string name)
    {
        Directory.CreateDirectory(spoolFolder);
        var spool = Path.Combine(spoolFolder, name);
        await operation.NoteAsync(DeployNotes.Spool, spool);
        return spool;
    }

    private async Task<string> VolumeAsync(OvfDisk disk, CancellationToken cancellation)
    {
        var name = input.VolumeName($"disk{_volumes.Count + 1}.qcow2");
        await operation.NoteAsync(DeployNotes.Volume, new VolumeName(_pool!.Name, name).ToString());
        // Whole sectors: a capacity that is none is rounded up, as a disk has no other sizes.
        var volume = await hypervisor.CreateVolumeAsync(new NewVolume(_pool.Name, name, "qcow2", (disk.CapacityBytes + Sector - 1) & -Sector), cancellation);
        _disks[disk.Id] = new DiskVolume(disk.Id, volume.Path);
        return _volumes[disk.Id] = volume.Path;
    }
}

/// <summary>Kinds of notes that a deployment writes.</summary>
internal static class DeployNotes
{
    public const string Volume = "volume", Spool = "spool", Domain = "domain";

    /// <summary>A full disk, wherever it shows, as a problem with a remedy.</summary>
    public static bool IsFull(Exception e) => e is IOException { HResult: 28 };

    public static readonly Problem Full = Problem.Conflict("No room on the host", "The storage pool is full: the package's disks do not fit. Free some room in the pool, or choose another host.");
}
