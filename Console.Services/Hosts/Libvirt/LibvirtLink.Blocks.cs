using System.Xml.Linq;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Merging overlays.</content>
internal sealed partial class LibvirtLink
{
    private static readonly TimeSpan MergePoll = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    public async Task MergeOverlayAsync(Guid uuid, string overlay, string under, CancellationToken cancellation)
    {
        const string What = "merge the overlay";
        // Each look decides anew from what libvirt says, so that a merge begun before a restart is simply gone on with.
        while (!await _slow.RunAsync(() => MergeStep(uuid, overlay, under, What), What, Power, cancellation)) await Task.Delay(MergePoll, cancellation);
    }

    /// <summary>Whether nothing is left to do.</summary>
    private unsafe bool MergeStep(Guid uuid, string overlay, string under, string what)
    {
        using var domain = Domain(uuid, what);
        var xml = XElement.Parse(LibvirtError.Check(Native.virDomainGetXMLDesc(domain, 0), what));
        if (xml.Element("devices")?.Elements("disk").FirstOrDefault(d => (string?)d.Element("source")?.Attribute("file") == overlay) is not { } disk) return true;
        if ((string?)xml.Attribute("id") is null) throw new HypervisorException(HypervisorError.WrongState, what, "The VM is off; it must run while its overlay is merged.");
        var target = (string?)disk.Element("target")?.Attribute("dev") ?? "";
        Native.BlockJobInfo job;
        const uint Active = 4, Pivot = 2;
        if (LibvirtError.Check(Native.virDomainGetBlockJobInfo(domain, target, &job, 0), what) == 0)
            LibvirtError.Check(Native.virDomainBlockCommit(domain, target, under, null, 0, Active), what);
        else if ((string?)disk.Element("mirror")?.Attribute("ready") == "yes")
            LibvirtError.Check(Native.virDomainBlockJobAbort(domain, target, Pivot), what);
        return false;
    }
}
