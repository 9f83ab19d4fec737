using System.Globalization;
using System.Xml.Linq;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Snapshots.</content>
internal sealed unsafe partial class LibvirtLink
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<VmSnapshot>> SnapshotsAsync(Guid uuid, CancellationToken cancellation) => CallAsync<IReadOnlyList<VmSnapshot>>("list the snapshots", () =>
    {
        const string What = "list the snapshots";
        using var domain = Domain(uuid, What);
        nint* pointers;
        var count = LibvirtError.Check(Native.virDomainListAllSnapshots(domain, &pointers, 0), What);
        var list = new List<VmSnapshot>(count);
        foreach (var snapshot in Take<SnapshotHandle>(pointers, count))
            using (snapshot)
                list.Add(Describe(LibvirtError.Check(Native.virDomainSnapshotGetXMLDesc(snapshot, 0), What), Native.virDomainSnapshotIsCurrent(snapshot, 0) == 1));
        return [.. list.OrderBy(s => s.CreatedAt).ThenBy(s => s.Name, StringComparer.Ordinal)];
    }, cancellation);

    /// <inheritdoc/>
    public Task CreateSnapshotAsync(Guid uuid, string name, string description, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            using var domain = Domain(uuid, "take the snapshot");
            var xml = new XElement("domainsnapshot", new XElement("name", name), new XElement("description", description)).ToString();
            using var snapshot = LibvirtError.Check(Native.virDomainSnapshotCreateXML(domain, xml, 0), "take the snapshot");
            return true;
        },
        "take the snapshot", Long, cancellation);

    /// <inheritdoc/>
    public Task RevertSnapshotAsync(Guid uuid, string name, CancellationToken cancellation) =>
        WithSnapshotAsync(uuid, name, "revert to the snapshot", s => Native.virDomainRevertToSnapshot(s, 0), cancellation);

    /// <inheritdoc/>
    public Task DeleteSnapshotAsync(Guid uuid, string name, CancellationToken cancellation) =>
        WithSnapshotAsync(uuid, name, "delete the snapshot", s => Native.virDomainSnapshotDelete(s, 0), cancellation);

    /// <inheritdoc/>
    public Task ForgetSnapshotAsync(Guid uuid, string name, CancellationToken cancellation)
    {
        const uint metadataOnly = 2;
        return WithSnapshotAsync(uuid, name, "forget the snapshot", s => Native.virDomainSnapshotDelete(s, metadataOnly), cancellation);
    }

    private Task WithSnapshotAsync(Guid uuid, string name, string what, Func<SnapshotHandle, int> call, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            using var domain = Domain(uuid, what);
            using var snapshot = LibvirtError.Check(Native.virDomainSnapshotLookupByName(domain, name, 0), what);
            return LibvirtError.Check(call(snapshot), what);
        },
        what, Long, cancellation);

    private static VmSnapshot Describe(string xml, bool current)
    {
        var root = XElement.Parse(xml);
        var seconds = long.Parse((string?)root.Element("creationTime") ?? "0", CultureInfo.InvariantCulture);
        var state = (string?)root.Element("state") switch
        {
            "running" or "blocked" => VmState.Running,
            "paused" or "pmsuspended" => VmState.Paused,
            "crashed" => VmState.Crashed,
            _ => VmState.Off,
        };
        return new VmSnapshot((string?)root.Element("name") ?? "", (string?)root.Element("description") ?? "", DateTimeOffset.FromUnixTimeSeconds(seconds), state,
            (string?)root.Element("parent")?.Element("name"), current);
    }
}
