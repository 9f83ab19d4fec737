using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Exchange;

/// <summary>The part of an exchange that can be taken back: the new version runs on overlays over the data disks.</summary>
internal sealed class ExchangeTrial(HostConnections hosts, ApplianceStore store, EnvironmentWriter disc, ExchangeIntake intake, IEnumerable<IBeforeVmChange> preparations, TimeProvider time)
{
    /// <summary>Says that the guest was told to shut down.</summary>
    public const string StoppingNote = "stopping";

    /// <summary>How long the guest may take to shut down.</summary>
    public static readonly TimeSpan ShutdownPatience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

    /// <summary>Makes the new environment's volumes and writes it.</summary>
    public Task WriteEnvironmentAsync(IOperationContext operation, ExchangeOrder order, IReadOnlyDictionary<string, string> added, CancellationToken cancellation) => HostAway.TriedAgainAsync(async () =>
    {
        var plan = await intake.PlanAsync(operation);
        var package = await ExchangeIntake.ReceivedAsync(operation);
        var hypervisor = await HostAway.ConnectedAsync(hosts, plan.HostId, time, cancellation);
        var row = await store.FindAsync(order.NewId, cancellation) ?? throw Gone(plan);
        var places = await disc.PlacesAsync(operation, hypervisor, Input(order, plan), row, package.Descriptor.Hardware, cancellation);
        await store.VolumesAsync(order.NewId, [.. package.Disks.Select(d => d.Path), .. package.Isos.Select(i => i.Path), .. places.Paths], places, cancellation);
        await store.ContributedAsync(order.NewId, cancellation);
        await disc.WriteAsync(hypervisor, row, places, added, withPasswords: true, cancellation);
    });

    public async Task ExchangeAsync(IOperationContext operation, ExchangeOrder order, Func<CancellationToken, Task> between)
    {
        var plan = await intake.PlanAsync(operation);
        await operation.StepAsync("stop", "Shutting the old version down", ct => HostAway.TriedAgainAsync(() => StopAsync(plan, operation, ct)));
        await operation.StepAsync("exchange", "Exchanging the system disks", ct => HostAway.TriedAgainAsync(async () =>
        {
            await between(ct);
            await DefineAsync(operation, order, plan, ct);
        }));
    }

    public async Task StartAsync(IOperationContext operation, ExchangeOrder order, Func<CancellationToken, Task> before)
    {
        var plan = await intake.PlanAsync(operation);
        var package = await ExchangeIntake.ReceivedAsync(operation);
        await operation.StepAsync("start", "Powering the new version on", ct => HostAway.TriedAgainAsync(async () =>
        {
            var hypervisor = await HostAway.ConnectedAsync(hosts, plan.HostId, time, ct);
            await HostNetwork.StartAsync(package.Networks.Values, hypervisor, ct);
            await before(ct);
            // After a kill it may run already.
            if (await hypervisor.DomainAsync(plan.Domain, ct) is { State: VmState.Off or VmState.Crashed }) await hypervisor.StartAsync(plan.Domain, ct);
            await hosts.RefreshAsync(plan.HostId, plan.Domain, ct);
        }));
    }

    public async Task<bool> RunsAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var plan = await intake.PlanAsync(operation);
        // A host that is away says nothing about the VM.
        if (!hosts.Get(plan.HostId).TryGet(out var hypervisor, out _)) return true;
        try { return await hypervisor.DomainAsync(plan.Domain, cancellation) is { State: VmState.Running or VmState.Paused }; }
        catch (HypervisorException e) when (e.Error is HypervisorError.Disconnected or HypervisorError.TimedOut) { return true; }
    }

    private async Task StopAsync(ExchangePlan plan, IOperationContext operation, CancellationToken cancellation)
    {
        var hypervisor = await HostAway.ConnectedAsync(hosts, plan.HostId, time, cancellation);
        if (!await UpAsync()) return;
        await operation.NoteAsync(StoppingNote, plan.Name);
        await hypervisor.ShutdownAsync(plan.Domain, cancellation);
        for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < ShutdownPatience; await Task.Delay(Glance, time, cancellation))
            if (!await UpAsync()) return;
        operation.Log($"The guest did not shut down within {ShutdownPatience.TotalSeconds:0} s; its power was cut.");
        await hypervisor.DestroyAsync(plan.Domain, cancellation);

        async Task<bool> UpAsync() => await hypervisor.DomainAsync(plan.Domain, cancellation) is { State: VmState.Running or VmState.Paused };
    }

    private async Task DefineAsync(IOperationContext operation, ExchangeOrder order, ExchangePlan plan, CancellationToken cancellation)
    {
        var hypervisor = await HostAway.ConnectedAsync(hosts, plan.HostId, time, cancellation);
        var package = await ExchangeIntake.ReceivedAsync(operation);
        foreach (var preparation in preparations) await preparation.PrepareAsync(VmChangeKind.Exchange, order.VmId, hypervisor, plan.Domain, cancellation);
        var over = new Dictionary<string, string>();
        foreach (var overlay in plan.Overlays)
        {
            await operation.NoteAsync(DeployNotes.Volume, new VolumeName(overlay.Pool, overlay.Name).ToString());
            var volume = await hypervisor.VolumeAsync(overlay.Pool, overlay.Name, cancellation)
                ?? await hypervisor.CreateVolumeAsync(new NewVolume(overlay.Pool, overlay.Name, "qcow2", overlay.SizeBytes) { Backing = new VolumeBacking(overlay.Under, overlay.Format) }, cancellation);
            over[overlay.Under] = volume.Path;
        }
        var row = await store.FindAsync(order.NewId, cancellation) ?? throw Gone(plan);
        var mapping = new DomainMapping(Input(order, plan) with { VmId = plan.Domain }, package.Descriptor, package.Networks, await hosts.AccelerationAsync(plan.HostId, cancellation));
        var xml = mapping.Xml([.. package.Disks.Select(d => d with { Path = over.GetValueOrDefault(d.Path, d.Path) })], package.Isos, row.Places);
        await hypervisor.DefineAsync(plan.Adapt(xml), cancellation);
        await hosts.RefreshAsync(plan.HostId, plan.Domain, cancellation);
    }

    private static DeployInput Input(ExchangeOrder order, ExchangePlan plan) => new(order.NewId, order.NewId, plan.HostId, plan.Name, true, null);

    private static ProblemException Gone(ExchangePlan plan) => new(Problem.Conflict("The appliance is gone", $"The appliance '{plan.Name}' was removed while it was being upgraded."));
}
