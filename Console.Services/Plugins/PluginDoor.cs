using System.Net;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Door;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins;

/// <summary>Where this console reaches a port of a plug-in's VM. The one way to it: its pages and webhooks go through here, and nowhere else.</summary>
/// <remarks>
/// Only the hypervisor is asked, never the guest: on a user network a forward of QEMU on loopback (made on first use, gone with each stop of the VM and then made again),
/// on a libvirt network the address that the network itself gave to one of the VM's own cards. Nothing is remembered here that could be old:
/// QEMU's own list of forwards is the memory, so a forward is found again after a restart of the console. Ask for each new connection.
/// </remarks>
public sealed class PluginDoor
{
    private static readonly PluginState[] Closed = [PluginState.Deploying, PluginState.Disabled, PluginState.Uninstalling];
    private readonly PluginStore _plugins;
    private readonly HostConnections _hosts;
    private readonly SemaphoreSlim[] _gates = [.. Enumerable.Range(0, 16).Select(_ => new SemaphoreSlim(1))];

    internal PluginDoor(PluginStore plugins, HostConnections hosts) => (_plugins, _hosts) = (plugins, hosts);

    /// <summary>Opens the way to a port of the plug-in's VM. That something listens there is not checked: a forward accepts connections by itself.</summary>
    /// <param name="pluginId">The plug-in.</param>
    /// <param name="port">TCP port inside the VM, 1 to 65535.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>NotFound for no such plug-in or VM, Conflict when it is disabled or its VM does not run, Unavailable when its host is away or its network cannot be reached from here.</returns>
    public async Task<Result<IPEndPoint>> OpenAsync(Guid pluginId, int port, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65535);
        if (await _plugins.FindAsync(pluginId, cancellation) is not { } plugin) return Problem.NotFound("plug-in", pluginId);
        if (Closed.Contains(plugin.State)) return Problem.Conflict("The plug-in is closed", $"{plugin.Name} is {plugin.State.ToString().ToLowerInvariant()}: the console opens no way to it.");
        if (!(await _hosts.LocateAsync(plugin.VmId, cancellation)).TryGet(out var vm, out var away)) return away.Kind is ProblemKind.NotFound ? Gone(plugin) : away;
        try
        {
            if (await vm.Hypervisor.DomainAsync(vm.Domain, cancellation) is not { } domain) return Gone(plugin);
            if (domain.State is not VmState.Running) return Problem.Conflict($"The plug-in's VM is {domain.State.ToString().ToLowerInvariant()}", $"The VM '{domain.Name}' of {plugin.Name} must run to be reached. {(domain.State is VmState.Paused ? "Resume" : "Start")} it.");
            return await ReachAsync(vm.Hypervisor, domain, port, cancellation);
        }
        catch (HypervisorException e)
        {
            return Problem.Unavailable("The plug-in's VM cannot be reached", e.Message);
        }
    }

    /// <summary>Takes the forwards to the plug-in's VM away: when it is disabled. What cannot be reached has none.</summary>
    public async Task CloseAsync(Guid pluginId, CancellationToken cancellation)
    {
        if (await _plugins.FindAsync(pluginId, cancellation) is not { } plugin || !(await _hosts.LocateAsync(plugin.VmId, cancellation)).TryGet(out var vm, out _)) return;
        try
        {
            if (await vm.Hypervisor.DomainAsync(vm.Domain, cancellation) is not { State: VmState.Running or VmState.Paused } domain) return;
            foreach (var card in GuestCard.Of(domain.Xml).Where(c => c.UserDevice is not null)) await UserForward.RemoveAllAsync(vm.Hypervisor, vm.Domain, card.UserDevice!, cancellation);
        }
        catch (HypervisorException)
        {
            // Gone with its host or its QEMU, and so are the forwards.
        }
    }

    private async Task<Result<IPEndPoint>> ReachAsync(IHypervisor hypervisor, DomainRecord domain, int port, CancellationToken cancellation)
    {
        var cards = GuestCard.Of(domain.Xml);
        if (hypervisor.SharesFileSystem && cards.FirstOrDefault(c => c.UserDevice is not null)?.UserDevice is { } device)
        {
            var gate = _gates[(uint)domain.Uuid.GetHashCode() % _gates.Length];
            await gate.WaitAsync(cancellation); // two first requests would make two forwards
            try { return await UserForward.FindOrAddAsync(hypervisor, domain.Uuid, device, port, cancellation); }
            finally { gate.Release(); }
        }
        return await LeasedAddress.FindAsync(hypervisor, domain, cards, port, cancellation);
    }

    private static Problem Gone(PluginRow plugin) => Problem.NotFound($"VM of the plug-in {plugin.Name}", plugin.VmId);
}
