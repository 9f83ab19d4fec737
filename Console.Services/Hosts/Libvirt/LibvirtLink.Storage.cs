using System.Xml.Linq;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Storage pools and volumes.</content>
internal sealed unsafe partial class LibvirtLink
{
    private const string DefaultPool = "default";

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoolInfo>> PoolsAsync(CancellationToken cancellation) => CallAsync<IReadOnlyList<PoolInfo>>("list the storage pools", () =>
    {
        nint* pointers;
        var count = LibvirtError.Check(Native.virConnectListAllStoragePools(Connection, &pointers, 0), "list the storage pools");
        var list = new List<PoolInfo>(count);
        foreach (var pool in Take<PoolHandle>(pointers, count))
            using (pool)
                list.Add(Describe(pool));
        return [.. list.OrderBy(p => p.Name, StringComparer.Ordinal)];
    }, cancellation);

    /// <inheritdoc/>
    public Task<PoolInfo> EnsurePoolAsync(string? name, CancellationToken cancellation) => CallAsync("open the storage pool", () =>
    {
        const string What = "open the storage pool";
        var found = LibvirtError.Found(Native.virStoragePoolLookupByName(Connection, name ?? DefaultPool), What);
        if (found is null && name is not null && name != DefaultPool)
            throw new HypervisorException(HypervisorError.NotFound, What, $"The host has no storage pool '{name}'.");
        using var pool = found ?? MakeDefaultPool(What);
        var info = Describe(pool);
        if (info.Active) return info;
        const uint WithBuild = 1; // makes the folder
        if (Native.virStoragePoolCreate(pool, IsMock ? 0 : WithBuild) < 0)
        {
            var error = LibvirtError.Last(What);
            if (error.Error != HypervisorError.WrongState) throw error; // else somebody else has started it just now
        }
        return Describe(pool);
    }, cancellation);

    /// <inheritdoc/>
    public Task<VolumeInfo> CreateVolumeAsync(NewVolume volume, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            const string What = "create the volume";
            using var pool = LibvirtError.Check(Native.virStoragePoolLookupByName(Connection, volume.Pool), What);
            var xml = new XElement("volume",
                new XElement("name", volume.Name),
                new XElement("capacity", new XAttribute("unit", "bytes"), volume.CapacityBytes),
                new XElement("allocation", 0),
                // Environments hold passwords, and disks whatever a guest has: nobody but the hypervisor reads them.
                // libvirt makes qcow2 of its first version unless told: that one cannot track changes, and every backup would read it whole.
                new XElement("target", new XElement("format", new XAttribute("type", volume.Format)), volume.Format == "qcow2" ? new XElement("compat", "1.1") : null, new XElement("permissions", new XElement("mode", "0600"))),
                volume.Backing is { } under ? new XElement("backingStore", new XElement("path", under.Path), new XElement("format", new XAttribute("type", under.Format))) : null).ToString();
            using var made = LibvirtError.Check(Native.virStorageVolCreateXML(pool, xml, 0), What);
            return Describe(made, volume.Pool);
        },
        "create the volume", Power, cancellation);

    /// <inheritdoc/>
    public Task<VolumeInfo?> VolumeAsync(string path, CancellationToken cancellation) => CallAsync("find the volume", () =>
    {
        using var volume = FindVolume(path);
        return volume is null ? null : Describe(volume, PoolOf(volume));
    }, cancellation);

    /// <inheritdoc/>
    public Task<VolumeInfo?> VolumeAsync(string pool, string name, CancellationToken cancellation) => CallAsync("find the volume", () =>
    {
        using var owner = LibvirtError.Found(Native.virStoragePoolLookupByName(Connection, pool), "find the volume");
        if (owner is null) return null;
        using var volume = LibvirtError.Found(Native.virStorageVolLookupByName(owner, name), "find the volume");
        return volume is null ? null : Describe(volume, pool);
    }, cancellation);

    /// <inheritdoc/>
    public Task<bool> DeleteVolumeAsync(string path, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            using var volume = FindVolume(path);
            if (volume is null) return false;
            LibvirtError.Check(Native.virStorageVolDelete(volume, 0), "delete the volume");
            return true;
        },
        "delete the volume", Power, cancellation);

    // A file that came or went behind libvirt's back is seen only after its pools were refreshed.
    private VolumeHandle? FindVolume(string path)
    {
        if (LibvirtError.Found(Native.virStorageVolLookupByPath(Connection, path), "find the volume") is { } known) return known;
        nint* pointers;
        const uint Active = 2;
        var count = LibvirtError.Check(Native.virConnectListAllStoragePools(Connection, &pointers, Active), "list the storage pools");
        var refreshed = false;
        foreach (var pool in Take<PoolHandle>(pointers, count))
            using (pool)
                if (Describe(pool).Path is { Length: > 0 } folder && Path.GetDirectoryName(path) == folder.TrimEnd('/'))
                    refreshed |= Native.virStoragePoolRefresh(pool, 0) == 0;
        return refreshed ? LibvirtError.Found(Native.virStorageVolLookupByPath(Connection, path), "find the volume") : null;
    }

    private PoolHandle MakeDefaultPool(string what)
    {
        var folder = IsMock || _uri.Contains(":///system", StringComparison.Ordinal) || !SharesFileSystem
            ? ConsoleOptions.LibvirtImages
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/share/libvirt/images");
        var xml = new XElement("pool", new XAttribute("type", "dir"), new XElement("name", DefaultPool), new XElement("target", new XElement("path", folder))).ToString();
        var pool = Native.virStoragePoolDefineXML(Connection, xml, 0);
        if (pool.IsInvalid)
        {
            // Another caller may have made it between the look-up and here.
            var error = LibvirtError.Last(what);
            return LibvirtError.Found(Native.virStoragePoolLookupByName(Connection, DefaultPool), what) ?? throw error;
        }
        if (Native.virStoragePoolSetAutostart(pool, 1) < 0) Native.virResetLastError();
        return pool;
    }

    private static PoolInfo Describe(PoolHandle pool)
    {
        var name = OwnedText.Borrowed(Native.virStoragePoolGetName(pool));
        LibvirtError.Check(Native.virStoragePoolGetInfo(pool, out var state), "read the storage pool");
        var xml = XElement.Parse(LibvirtError.Check(Native.virStoragePoolGetXMLDesc(pool, 0), "read the storage pool"));
        return new PoolInfo(name, (string?)xml.Attribute("type") ?? "", (string?)xml.Element("target")?.Element("path") ?? "", state.State is 2 or 3, (long)state.Capacity, (long)state.Available);
    }

    private static string PoolOf(VolumeHandle volume)
    {
        using var pool = LibvirtError.Check(Native.virStoragePoolLookupByVolume(volume), "read the volume");
        return OwnedText.Borrowed(Native.virStoragePoolGetName(pool));
    }

    private static VolumeInfo Describe(VolumeHandle volume, string pool)
    {
        LibvirtError.Check(Native.virStorageVolGetInfo(volume, out var state), "read the volume");
        var path = LibvirtError.Check(Native.virStorageVolGetPath(volume), "read the volume");
        var xml = XElement.Parse(LibvirtError.Check(Native.virStorageVolGetXMLDesc(volume, 0), "read the volume"));
        var format = (string?)xml.Element("target")?.Element("format")?.Attribute("type") ?? "raw";
        return new VolumeInfo(pool, OwnedText.Borrowed(Native.virStorageVolGetName(volume)), path, format, (long)state.Capacity, (long)state.Allocation);
    }
}
