using System.Runtime.InteropServices;
using System.Xml.Linq;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Networks, pictures of screens, the monitor.</content>
internal sealed unsafe partial class LibvirtLink
{
    private static ReadOnlySpan<byte> PngMagic => [0x89, (byte)'P', (byte)'N', (byte)'G'];

    /// <inheritdoc/>
    public Task<IReadOnlyList<NetworkInfo>> NetworksAsync(CancellationToken cancellation) => CallAsync<IReadOnlyList<NetworkInfo>>("list the networks", () =>
    {
        nint* pointers;
        var count = LibvirtError.Check(Native.virConnectListAllNetworks(Connection, &pointers, 0), "list the networks");
        var list = new List<NetworkInfo>(count);
        foreach (var network in Take<NetworkHandle>(pointers, count))
            using (network)
            {
                var xml = XElement.Parse(LibvirtError.Check(Native.virNetworkGetXMLDesc(network, 0), "read the network"));
                list.Add(new NetworkInfo(OwnedText.Borrowed(Native.virNetworkGetName(network)), Native.virNetworkIsActive(network) == 1,
                    xml.Element("forward") is { } forward ? (string?)forward.Attribute("mode") ?? "nat" : "isolated",
                    (string?)xml.Element("bridge")?.Attribute("name"), (string?)xml.Element("ip")?.Attribute("address")));
            }
        return [.. list.OrderBy(n => n.Name, StringComparer.Ordinal)];
    }, cancellation);

    /// <inheritdoc/>
    public Task StartNetworkAsync(string name, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            using var network = LibvirtError.Check(Native.virNetworkLookupByName(Connection, name), "start the network");
            return Native.virNetworkIsActive(network) == 1 ? 0 : LibvirtError.Check(Native.virNetworkCreate(network), "start the network");
        },
        "start the network", Power, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<GuestLease>> LeasesAsync(Guid uuid, CancellationToken cancellation) => CallAsync<IReadOnlyList<GuestLease>>("read the domain's addresses", () =>
    {
        const uint Lease = 0;
        using var domain = Domain(uuid, "read the domain's addresses");
        if (LibvirtError.Check(Native.virDomainIsActive(domain), "read the domain's addresses") == 0) return [];
        Native.DomainInterface** cards;
        var count = LibvirtError.Check(Native.virDomainInterfaceAddresses(domain, &cards, Lease, 0), "read the domain's addresses");
        var leases = new List<GuestLease>();
        for (var i = 0; i < count; i++)
        {
            var card = cards[i];
            var mac = card->Mac is null ? "" : OwnedText.Borrowed(card->Mac);
            for (var a = 0; a < card->Count; a++) leases.Add(new GuestLease(mac, OwnedText.Borrowed(card->Addresses[a].Text), (int)card->Addresses[a].Prefix));
            Native.virDomainInterfaceFree(card);
        }
        NativeMemory.Free(cards);
        return leases;
    }, cancellation);

    /// <inheritdoc/>
    public Task<byte[]> ScreenshotAsync(Guid uuid, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            const string What = "take a picture of the screen";
            const int Limit = 64 * 1024 * 1024;
            using var domain = Domain(uuid, What);
            using var stream = LibvirtError.Check(Native.virStreamNew(Connection, 0), What);
            LibvirtError.Check(Native.virDomainScreenshot(domain, stream, 0, 0), What);
            using var picture = new MemoryStream();
            var buffer = new byte[64 * 1024];
            fixed (byte* start = buffer)
                for (int count; (count = LibvirtError.Check(Native.virStreamRecv(stream, start, (nuint)buffer.Length), What)) > 0;)
                {
                    picture.Write(buffer, 0, count);
                    if (picture.Length > Limit) throw new HypervisorException(HypervisorError.Failed, What, "The picture is larger than 64 MiB.");
                }
            LibvirtError.Check(Native.virStreamFinish(stream), What);
            var bytes = picture.ToArray();
            return bytes.AsSpan().StartsWith(PngMagic) ? bytes : throw new HypervisorException(HypervisorError.Unsupported, What, "The host's QEMU is older than 7.1 and makes no PNG.");
        },
        "take a picture of the screen", Quick, cancellation);

    /// <inheritdoc/>
    public Task<string> MonitorAsync(Guid uuid, string command, bool human, CancellationToken cancellation) => CallAsync("talk to QEMU's monitor", () =>
    {
        using var domain = Domain(uuid, "talk to QEMU's monitor");
        byte* answer = null;
        LibvirtError.Check(Native.virDomainQemuMonitorCommand(domain, command, &answer, human ? 1u : 0), "talk to QEMU's monitor");
        try { return OwnedText.Borrowed(answer); }
        finally { NativeMemory.Free(answer); }
    }, cancellation);
}
