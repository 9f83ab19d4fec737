using System.Xml.Linq;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Merging overlays down, and pulling what is below them up.</content>
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

    /// <inheritdoc/>
    public Task BeginPullAsync(Guid uuid, string target, CancellationToken cancellation)
    {
        const string What = "move the disk's data";
        return _slow.RunAsync(() =>
        {
            using var domain = Domain(uuid, What);
            return JobOf(domain, target, What) is not null ? 0 : LibvirtError.Check(Native.virDomainBlockPull(domain, target, 0, 0), What);
        }, What, Power, cancellation);
    }

    /// <inheritdoc/>
    public Task<PullProgress?> PullAsync(Guid uuid, string target, CancellationToken cancellation) => CallAsync("look at the disk's job", () =>
    {
        using var domain = Domain(uuid, "look at the disk's job");
        return JobOf(domain, target, "look at the disk's job");
    }, cancellation);

    // A domain that is off has no jobs; libvirt calls the question wrong then.
    private static unsafe PullProgress? JobOf(DomainHandle domain, string target, string what)
    {
        Native.BlockJobInfo job;
        var found = Native.virDomainGetBlockJobInfo(domain, target, &job, 0);
        if (found >= 0) return found == 0 ? null : new PullProgress((long)job.Current, (long)job.End);
        var error = LibvirtError.Last(what);
        return error.Error is HypervisorError.WrongState ? null : throw error;
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
