using Quarterdeck.Appliances.Environment;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Everything after the upload: define the VM, write its environment, power on, wait for what contributors wait for.</summary>
internal sealed class DeployHandler(
    HostConnections hosts, ApplianceStore store, EnvironmentWriter writer, ApplianceDismantler dismantler, IEnumerable<IEnvironmentContributor> contributors) : IOperationHandler
{
    /// <summary>Not retryable by a person: the upload is gone with the request.</summary>
    public static readonly OperationKind DeployKind = new("appliance.deploy", "Deploy appliance", AppliancePermissions.Deploy) { Retryable = false };

    public const string ReceiveStep = "receive";

    public OperationKind Kind => DeployKind;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<DeployInput>();
        var package = await operation.StepAsync<ReceivedPackage>(ReceiveStep, "Receiving the package", _ =>
            throw new ProblemException(Problem.Conflict("The upload is over", "The package was not received completely. Upload it again.")));
        var deployment = new ApplianceDeployment(
            input.ApplianceId, operation.Id, input.HostId, input.VmId, input.Name, package.Descriptor.Product,
            [.. package.Descriptor.Hardware.Cards.Select(c => package.Networks[c.Network]).Distinct()], input.Plugin, package.SmallFiles) { ApprovedCapabilities = input.Capabilities };
        var joined = await JoinAsync(deployment, operation);
        if (joined.Count == 0 && input.Capabilities.Count > 0)
            throw new ProblemException(Problem.Invalid("capabilities", "The package is no plug-in, so nothing can be granted to it.", "Leave them out, or send plugin: true."));
        var places = await DefineAsync(input, package, operation);
        await EnvironmentAsync(deployment, places, joined, operation);
        if (input.Start || joined.Count > 0) await PowerOnAsync(deployment, joined, operation);
        await operation.StepAsync("forget", "Forgetting the passwords", ct => store.DropPasswordsAsync(input.ApplianceId, ct));
        var result = new Dictionary<string, string> { ["vmId"] = input.VmId.ToString("D") };
        foreach (var contributor in joined)
            foreach (var (key, value) in await contributor.FollowAsync(deployment, operation, (stays, ct) => SealAsync(input, places, stays, ct), cancellation))
                result[key] = value;
        return result;
    }

    private async Task<List<IEnvironmentContributor>> JoinAsync(ApplianceDeployment deployment, IOperationContext operation)
    {
        var joined = new List<IEnvironmentContributor>();
        foreach (var (contributor, index) in contributors.Select((c, i) => (c, i)))
            if (await operation.StepAsync($"join-{index}", "Looking for a plug-in", ct => contributor.JoinAsync(deployment, operation, ct))) joined.Add(contributor);
        return joined;
    }

    /// <summary>Makes the environment's volumes and the domain; answers where the environment lies.</summary>
    private Task<EnvironmentPlaces> DefineAsync(DeployInput input, ReceivedPackage package, IOperationContext operation) => operation.StepAsync("define", "Defining the VM", async cancellation =>
    {
        var hypervisor = Hypervisor(input.HostId);
        var row = await store.FindAsync(input.ApplianceId, cancellation) ?? throw Gone(input);
        var places = await writer.PlacesAsync(operation, hypervisor, input, row, package.Descriptor.Hardware, cancellation);
        await store.VolumesAsync(input.ApplianceId, [.. package.Disks.Select(d => d.Path), .. package.Isos.Select(i => i.Path), .. places.Paths], places, cancellation);
        var mapping = new DomainMapping(input, package.Descriptor, package.Networks, await hosts.AccelerationAsync(input.HostId, cancellation));
        await operation.NoteAsync(DeployNotes.Domain, input.VmId.ToString("D"));
        await hypervisor.DefineAsync(mapping.Xml(package.Disks, package.Isos, places), cancellation);
        await hosts.RefreshAsync(input.HostId, input.VmId, cancellation);
        return places;
    });

    private Task EnvironmentAsync(ApplianceDeployment deployment, EnvironmentPlaces places, List<IEnvironmentContributor> joined, IOperationContext operation) => operation.StepAsync("environment", "Writing the environment", async cancellation =>
    {
        var added = new Dictionary<string, string>();
        foreach (var contributor in joined)
            foreach (var (key, value) in await contributor.PropertiesAsync(deployment, cancellation)) added[key] = value;
        var row = await store.FindAsync(deployment.Id, cancellation) ?? throw Gone(operation.Input<DeployInput>());
        if (joined.Count > 0) await store.ContributedAsync(deployment.Id, cancellation);
        await writer.WriteAsync(Hypervisor(deployment.HostId), row, places, added, withPasswords: true, cancellation);
    });

    private Task PowerOnAsync(ApplianceDeployment deployment, List<IEnvironmentContributor> joined, IOperationContext operation) => operation.StepAsync("power-on", "Powering on", async cancellation =>
    {
        var hypervisor = Hypervisor(deployment.HostId);
        await HostNetwork.StartAsync(deployment.Networks, hypervisor, cancellation);
        foreach (var contributor in joined) await contributor.PowerOnAsync(deployment, cancellation);
        // After a kill it may run already.
        if (await hypervisor.DomainAsync(deployment.VmId, cancellation) is { State: VmState.Off or VmState.Crashed }) await hypervisor.StartAsync(deployment.VmId, cancellation);
        await store.StartedAsync(deployment.Id, cancellation);
        await hosts.RefreshAsync(deployment.HostId, deployment.VmId, cancellation);
    });

    private async Task SealAsync(DeployInput input, EnvironmentPlaces places, IReadOnlyDictionary<string, string> stays, CancellationToken cancellation)
    {
        var row = await store.FindAsync(input.ApplianceId, cancellation) ?? throw Gone(input);
        await writer.WriteAsync(Hypervisor(input.HostId), row, places, stays, withPasswords: false, cancellation);
        await store.SealedAsync(input.ApplianceId, cancellation);
    }

    /// <summary>A host that is away comes back: the step is tried again later.</summary>
    private IHypervisor Hypervisor(Guid hostId) => hosts.Get(hostId) is { } result && result.Problem is { Kind: ProblemKind.Unavailable } away ? throw new TransientException(away.Detail) : result.Value;

    private static ProblemException Gone(DeployInput input) => new(Problem.Conflict("The appliance is gone", $"The appliance '{input.Name}' was removed while it was being deployed."));

    public async Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        var input = operation.Input<DeployInput>();
        foreach (var note in notes)
        {
            if (note.Kind == DeployNotes.Domain) await dismantler.DomainAsync(input.HostId, input.VmId, cancellation);
            else if (note.Kind == DeployNotes.Volume) await dismantler.VolumeAsync(input.HostId, VolumeName.Parse(note.Value), cancellation);
            else if (note.Kind == DeployNotes.Spool) File.Delete(note.Value);
        }
        foreach (var contributor in contributors) await contributor.LeaveAsync(input.ApplianceId, cancellation);
        await store.RemoveAsync(input.ApplianceId, cancellation);
    }
}
