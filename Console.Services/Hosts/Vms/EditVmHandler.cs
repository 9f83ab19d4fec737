using System.Xml.Linq;
using Quarterdeck.Events;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts.Vms;

/// <summary>Input of <c>vm.edit</c>.</summary>
internal sealed record VmEdit(Guid VmId, VmChange Change);

/// <summary><c>vm.edit</c>: a step for each field, so that it is clear which ones hold when a later one fails.</summary>
internal sealed class EditVmHandler(HostCalls hosts, VmReader vms, TagIndex tags, EventStream<Vm> events) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => VmKinds.Edit;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation) =>
        new { vmId = operation.Input<VmEdit>().VmId, atNextStart = await ApplyAsync(operation, cancellation) };

    /// <summary>Makes the steps; returns the fields that hold only from the next start.</summary>
    public async Task<IReadOnlyList<string>> ApplyAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var (vmId, change) = operation.Input<VmEdit>();
        if (change.Tags is not null)
            await operation.StepAsync("tags", "Setting the tags", async c =>
            {
                await tags.SetAsync(VmStore.Kind, vmId.ToString(), TagIndex.Normalise(change.Tags).Value, c);
                if (await vms.FindAsync(vmId, c) is var (tagged, _)) events.Publish(tagged);
            });
        var later = new List<string>();
        if (change with { Tags = null } == new VmChange()) return later;

        var vm = await hosts.LocateAsync(vmId, cancellation);
        var running = vm.Vm.State is VmState.Running or VmState.Paused;
        if (change.Name is { } name && name != vm.Vm.Name)
            await operation.StepAsync("name", "Renaming the VM", c => RenameAsync(vm, name, c));
        if (change.Vcpus is { } vcpus && await operation.StepAsync("vcpus", $"Setting {vcpus} processors", c => LiveOrLaterAsync(vm.Vm.Vcpus == vcpus, running, live => vm.Hypervisor.SetVcpusAsync(vm.Domain, vcpus, live, c))))
            later.Add("vcpus");
        if (change.MemoryMiB is { } memory && await operation.StepAsync("memory", $"Setting {memory} MiB of memory", c => LiveOrLaterAsync(vm.Vm.MemoryMiB == memory, running, live => vm.Hypervisor.SetMemoryAsync(vm.Domain, memory, live, c))))
            later.Add("memoryMiB");
        if (change.Autostart is { } autostart)
            await operation.StepAsync("autostart", autostart ? "Switching autostart on" : "Switching autostart off", c => HostCalls.TryAsync(() => vm.Hypervisor.SetAutostartAsync(vm.Domain, autostart, c)));
        if (change.BootOrder is { } order)
        {
            await operation.StepAsync("boot", "Setting the boot order", c => HostCalls.TryAsync(() => SetBootOrderAsync(vm, order, c)));
            if (running) later.Add("bootOrder");
        }
        await HostCalls.TryAsync(() => hosts.Connections.RefreshAsync(vm.Vm.HostId, vm.Domain, cancellation));
        if (later.Count > 0 && operation.Attempt == 1) operation.Log($"From the VM's next start: {string.Join(", ", later)}.");
        return later;
    }

    private static Task RenameAsync(LocatedVm vm, string name, CancellationToken cancellation) => HostCalls.TryAsync(async () =>
    {
        if (await vm.Hypervisor.DomainAsync(name, cancellation) is { } other)
        {
            if (other.Uuid == vm.Domain) return; // by an attempt before
            throw new ProblemException(Problem.Conflict("The name is taken", $"The host has a VM named '{name}' already. Choose another name."));
        }
        if (vm.Vm.State is VmState.Running or VmState.Paused)
            throw new ProblemException(Problem.Conflict("The VM is running", "A VM can be renamed only while it is off. Shut it down first."));
        await vm.Hypervisor.RenameAsync(vm.Domain, name, cancellation);
    });

    // Always in what starts next; also in what runs where the guest allows. True when it holds only from the next start.
    private static Task<bool> LiveOrLaterAsync(bool already, bool running, Func<bool, Task> set) => HostCalls.TryAsync(async () =>
    {
        await set(false);
        if (!running || already) return false;
        try
        {
            await set(true);
            return false;
        }
        catch (HypervisorException e) when (e.Error is not (HypervisorError.Disconnected or HypervisorError.TimedOut))
        {
            return true;
        }
    });

    private static async Task SetBootOrderAsync(LocatedVm vm, IReadOnlyList<BootDevice> order, CancellationToken cancellation)
    {
        var xml = XElement.Parse(await vm.Hypervisor.XmlAsync(vm.Domain, cancellation, inactive: true, secrets: true)); // without secrets, passwords would be lost
        var os = xml.Element("os") ?? throw new ProblemException(Problem.Conflict("The VM has no boot settings", "Its definition has no <os>."));
        os.Elements("boot").Remove();
        foreach (var device in xml.Element("devices")?.Elements() ?? []) device.Elements("boot").Remove(); // an order on devices excludes one on the whole
        os.Element("type")!.AddAfterSelf(DomainTemplate.Boot(order));
        await vm.Hypervisor.DefineAsync(xml.ToString(), cancellation);
    }
}
