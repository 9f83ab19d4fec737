using System.Security.Cryptography;
using System.Text.Json;
using Quarterdeck.Database;
using Quarterdeck.Hosts.Vms;

namespace Quarterdeck.Hosts.Inventory;

/// <summary>A row of <c>vms</c>. Two rows that are equal need no write.</summary>
internal sealed record VmRow(
    Guid Id, Guid HostId, Guid DomainUuid, string Name, string NameKey, string State, int Vcpus, long MemoryMib, string Acceleration,
    bool Autostart, bool HasConsole, string Disks, string Networks, string BootOrder)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>The row that a domain should have.</summary>
    /// <param name="hostId">Its host.</param>
    /// <param name="id">The VM's id, when it has one already; else the domain's UUID.</param>
    /// <param name="domain">As the hypervisor tells it.</param>
    public static VmRow Of(Guid hostId, Guid? id, DomainRecord domain)
    {
        var xml = DomainXml.Read(domain.Xml, domain.Capacities);
        return new VmRow(
            id ?? domain.Uuid, hostId, domain.Uuid, domain.Name, domain.Name.ToLowerInvariant(), domain.State.ToColumn(), xml.Vcpus, xml.MemoryMiB, xml.Acceleration.ToColumn(),
            domain.Autostart, xml.HasConsole, JsonSerializer.Serialize(xml.Disks, Json), JsonSerializer.Serialize(xml.Networks, Json), JsonSerializer.Serialize(xml.BootOrder, Json));
    }

    /// <summary>The VM as the rest of the console sees it.</summary>
    public Vm ToVm(string hostName, bool reachable, IEnumerable<string> tags) => new(
        Id, Name, HostId, hostName, EnumColumn.FromColumn<VmState>(State), reachable, Vcpus, MemoryMib,
        JsonSerializer.Deserialize<List<VmDisk>>(Disks, Json)!, JsonSerializer.Deserialize<List<VmNetwork>>(Networks, Json)!, [.. tags],
        EnumColumn.FromColumn<Acceleration>(Acceleration), Autostart, JsonSerializer.Deserialize<List<BootDevice>>(BootOrder, Json)!, HasConsole);

    /// <summary>Files that its disks use, by target.</summary>
    public IEnumerable<(string Target, string Path)> Paths() =>
        JsonSerializer.Deserialize<List<VmDisk>>(Disks, Json)!.Where(d => d.Path is not null).Select(d => (d.Target, d.Path!));

    /// <summary>The id for a domain whose UUID a VM of another host has already: always the same for the same host and UUID.</summary>
    public static Guid DerivedId(Guid hostId, Guid domain)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData([.. hostId.ToByteArray(bigEndian: true), .. domain.ToByteArray(bigEndian: true)], hash);
        hash[6] = (byte)(0x80 | (hash[6] & 0x0f)); // version 8: made by our own rule
        hash[8] = (byte)(0x80 | (hash[8] & 0x3f));
        return new Guid(hash[..16], bigEndian: true);
    }
}
