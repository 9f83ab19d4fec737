using System.Xml.Linq;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Exchange;

/// <summary>The two endings of an exchange: kept, or taken back.</summary>
internal sealed class ExchangeEnding(HostConnections hosts, ApplianceStore store, EnvironmentWriter disc, ApplianceDismantler dismantler, ExchangeIntake intake, TimeProvider time)
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

    public async Task KeepAsync(IOperationContext operation, ExchangeOrder order, IReadOnlyDictionary<string, string> stays)
    {
        var plan = await intake.PlanAsync(operation);
        await operation.StepAsync("merge", "Making what it wrote the data disks' content", ct => HostAway.TriedAgainAsync(() => MergeAsync(order, plan, ct)));
        await operation.StepAsync("seal", "Taking secrets out of the environment", ct => HostAway.TriedAgainAsync(() => SealAsync(order, plan, stays, ct)));
        await operation.StepAsync("remove", "Removing the old version's disks", ct => HostAway.TriedAgainAsync(() => RemoveAsync(plan, ct)));
    }

    public async Task FinishAsync(IReadOnlyList<Note> notes, ExchangeOrder order, IReadOnlyDictionary<string, string> stays, CancellationToken cancellation)
    {
        if (intake.Plan(notes) is not { } plan) return;
        await MergeAsync(order, plan, cancellation);
        await SealAsync(order, plan, stays, cancellation);
        await RemoveAsync(plan, cancellation);
    }

    public async Task GoBackAsync(IOperationContext operation, IReadOnlyList<Note> notes, ExchangeOrder order, CancellationToken cancellation)
    {
        if (intake.Plan(notes) is { } plan)
        {
            var hypervisor = await ConnectedAsync(plan.HostId, cancellation);
            if (await hypervisor.DomainAsync(plan.Domain, cancellation) is not { } domain) operation.Log($"{plan.Name} is gone: it was deleted outside.");
            else
            {
                var definition = await hypervisor.XmlAsync(plan.Domain, cancellation, inactive: true);
                if (!Files(definition).SetEquals(Files(plan.Xml)))
                {
                    if (domain.State is not VmState.Off) await hypervisor.DestroyAsync(plan.Domain, cancellation);
                    await hypervisor.DefineAsync(plan.Xml, cancellation);
                }
                else if (notes.Any(n => n.Kind == ExchangeTrial.StoppingNote)) await ShutDownAsync(hypervisor, plan, cancellation);
                if (plan.Running && await hypervisor.DomainAsync(plan.Domain, cancellation) is { State: VmState.Off or VmState.Crashed }) await hypervisor.StartAsync(plan.Domain, cancellation);
                await hosts.RefreshAsync(plan.HostId, plan.Domain, cancellation);
            }
            foreach (var note in notes.Where(n => n.Kind == DeployNotes.Volume)) await dismantler.VolumeAsync(plan.HostId, VolumeName.Parse(note.Value), cancellation);
        }
        foreach (var note in notes.Where(n => n.Kind == DeployNotes.Spool)) File.Delete(note.Value);
        await store.RemoveAsync(order.NewId, cancellation);
    }

    /// <summary>A guest that was told to shut down and still runs would be off a moment after everything was called well.</summary>
    private async Task ShutDownAsync(IHypervisor hypervisor, ExchangePlan plan, CancellationToken cancellation)
    {
        for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < ExchangeTrial.ShutdownPatience; await Task.Delay(Glance, time, cancellation))
            if (await hypervisor.DomainAsync(plan.Domain, cancellation) is not { State: VmState.Running or VmState.Paused }) return;
    }

    /// <summary>The overlays' content goes into the data disks while the VM runs; without that the next upgrade would lay one overlay over another.</summary>
    private async Task MergeAsync(ExchangeOrder order, ExchangePlan plan, CancellationToken cancellation)
    {
        await store.TakeOverAsync(order.NewId, order.ApplianceId, plan.Domain, plan.Name, cancellation);
        var hypervisor = await ConnectedAsync(plan.HostId, cancellation);
        foreach (var overlay in plan.Overlays)
        {
            if (await hypervisor.VolumeAsync(overlay.Pool, overlay.Name, cancellation) is not { } volume) continue;
            if (await hypervisor.DomainAsync(plan.Domain, cancellation) is { State: VmState.Off or VmState.Crashed } off && Files(off.Xml).Contains(volume.Path)) await hypervisor.StartAsync(plan.Domain, cancellation);
            await hypervisor.MergeOverlayAsync(plan.Domain, volume.Path, overlay.Under, cancellation);
            await hypervisor.DeleteVolumeAsync(volume.Path, cancellation);
        }
        await hosts.RefreshAsync(plan.HostId, plan.Domain, cancellation);
    }

    private async Task SealAsync(ExchangeOrder order, ExchangePlan plan, IReadOnlyDictionary<string, string> stays, CancellationToken cancellation)
    {
        if (await store.FindAsync(order.NewId, cancellation) is not { } row) return;
        await disc.WriteAsync(await ConnectedAsync(plan.HostId, cancellation), row, row.Places, stays, withPasswords: false, cancellation);
        await store.SealedAsync(order.NewId, cancellation);
        await store.DropPasswordsAsync(order.NewId, cancellation);
    }

    private async Task RemoveAsync(ExchangePlan plan, CancellationToken cancellation)
    {
        await ConnectedAsync(plan.HostId, cancellation);
        foreach (var path in plan.Remove) await dismantler.VolumeAsync(plan.HostId, path, cancellation);
    }

    private Task<IHypervisor> ConnectedAsync(Guid hostId, CancellationToken cancellation) => HostAway.ConnectedAsync(hosts, hostId, time, cancellation);

    /// <summary>Which files a definition's disks are: it is told by them whose it is, as libvirt rewrites the rest.</summary>
    private static HashSet<string> Files(string xml) => [.. XElement.Parse(xml).Element("devices")?.Elements("disk").Select(d => (string?)d.Element("source")?.Attribute("file")).OfType<string>() ?? []];
}
