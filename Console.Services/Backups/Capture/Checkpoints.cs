using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Capture;

/// <summary>Finds and removes the console's checkpoints and bitmaps, of domains that run and of ones that are off.</summary>
internal sealed class Checkpoints(ImageTool images)
{
    /// <summary>Whether the domain's QEMU runs.</summary>
    public static async Task<bool> RunsAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation) =>
        await hypervisor.DomainAsync(domain, cancellation) is { State: VmState.Running or VmState.Paused };

    /// <summary>Names of the console's checkpoints that libvirt knows, parents first.</summary>
    public static async Task<IReadOnlyList<string>> KnownAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation) =>
        [.. (await hypervisor.CheckpointsAsync(domain, cancellation)).Select(c => c.Name).Where(CheckpointName.IsOurs)];

    /// <summary>Removes all of the console's checkpoints and bitmaps but one; nothing happens when there are none.</summary>
    /// <param name="hypervisor">Where.</param>
    /// <param name="domain">Of what.</param>
    /// <param name="keep">The one that stays; null for none.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task RemoveAllAsync(IHypervisor hypervisor, Guid domain, string? keep, CancellationToken cancellation)
    {
        if (await RunsAsync(hypervisor, domain, cancellation)) await RemoveLiveAsync(hypervisor, domain, name => name != keep, cancellation);
        else await RemoveStillAsync(hypervisor, domain, name => name != keep, mergeInto: null, cancellation);
    }

    /// <summary>Removes one that did not become a point; what it recorded goes on in the one before it.</summary>
    public async Task RemoveAsync(IHypervisor hypervisor, Guid domain, string name, CancellationToken cancellation)
    {
        if (await RunsAsync(hypervisor, domain, cancellation)) await RemoveLiveAsync(hypervisor, domain, n => n == name, cancellation);
        else await RemoveStillAsync(hypervisor, domain, n => n == name, mergeInto: n => n != name, cancellation);
    }

    private static async Task RemoveLiveAsync(IHypervisor hypervisor, Guid domain, Func<string, bool> which, CancellationToken cancellation)
    {
        var known = await KnownAsync(hypervisor, domain, cancellation);
        foreach (var name in known.Where(which)) await DeleteAsync(hypervisor, domain, name, cancellation);
        // Bitmaps that libvirt does not know of any more, as after the VM was defined anew: told of them, it can remove them.
        var nodes = await LiveBitmaps.ReadAsync(hypervisor, domain, cancellation);
        var xml = await hypervisor.XmlAsync(domain, cancellation);
        var disks = DomainDisks.Read(xml).Disks;
        foreach (var name in nodes.Values.SelectMany(n => n.Bitmaps).Select(b => b.Name).Where(n => CheckpointName.IsOurs(n) && which(n) && !known.Contains(n)).Distinct().ToList())
        {
            await DefineAsync(hypervisor, domain, name, disks, d => d.Node is { } node && nodes.GetValueOrDefault(node)?.Bitmaps.Any(b => b.Name == name) == true, cancellation);
            await DeleteAsync(hypervisor, domain, name, cancellation);
        }
    }

    // Where a disk has lost its bitmap libvirt deletes nothing; then it forgets the checkpoint, and what bitmaps are left are found by their name.
    private static async Task DeleteAsync(IHypervisor hypervisor, Guid domain, string name, CancellationToken cancellation)
    {
        try { await hypervisor.DeleteCheckpointAsync(domain, name, metadataOnly: false, cancellation); }
        catch (HypervisorException e) when (e.Error is not (HypervisorError.Disconnected or HypervisorError.TimedOut)) { await hypervisor.DeleteCheckpointAsync(domain, name, metadataOnly: true, cancellation); }
    }

    private async Task RemoveStillAsync(IHypervisor hypervisor, Guid domain, Func<string, bool> which, Func<string, bool>? mergeInto, CancellationToken cancellation)
    {
        var disks = DomainDisks.Read(await hypervisor.XmlAsync(domain, cancellation, inactive: true)).Disks;
        foreach (var disk in disks.Where(d => d is { Tracks: true, Path: not null } && File.Exists(d.Path)))
        {
            // Images below the top one are read only; a bitmap in there is never used once its name is gone from the top.
            var ours = (await images.ChainAsync(disk.Path!, disk.Format, cancellation))[0].Bitmaps.Where(b => CheckpointName.IsOurs(b.Name)).ToList();
            foreach (var bitmap in ours.Where(b => which(b.Name)))
            {
                if (bitmap.Usable && mergeInto is not null && ours.FirstOrDefault(b => b.Usable && mergeInto(b.Name)) is { } into)
                    await images.MergeBitmapAsync(disk.Path!, bitmap.Name, into.Name, cancellation);
                await images.RemoveBitmapAsync(disk.Path!, bitmap.Name, cancellation);
            }
        }
        foreach (var name in (await KnownAsync(hypervisor, domain, cancellation)).Where(which)) await hypervisor.DeleteCheckpointAsync(domain, name, metadataOnly: true, cancellation);
    }

    /// <summary>Tells libvirt of a checkpoint whose bitmaps are in the disks.</summary>
    public static async Task DefineAsync(IHypervisor hypervisor, Guid domain, string name, IReadOnlyList<DomainDisk> disks, Func<DomainDisk, bool> tracked, CancellationToken cancellation)
    {
        var description = CheckpointName.Describe(name, disks, tracked);
        foreach (var disk in description.Descendants("disk").Where(d => (string?)d.Attribute("checkpoint") == "bitmap")) disk.Add(new XAttribute("bitmap", name));
        description.Element("name")!.AddAfterSelf(new XElement("creationTime", DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        description.Add(XElement.Parse(await hypervisor.XmlAsync(domain, cancellation, inactive: true)));
        await hypervisor.RedefineCheckpointAsync(domain, description.ToString(SaveOptions.DisableFormatting), cancellation);
    }
}
