using Quarterdeck.Access;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Vms;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts;

/// <summary>The VMs of all hosts, and what can be done with them. What takes longer answers the id of an operation.</summary>
public sealed partial class VirtualMachines
{
    private readonly VmReader _vms;
    private readonly HostStore _hosts;
    private readonly HostConnections _connections;
    private readonly VmRequestCheck _check;
    private readonly EditVmHandler _edit;
    private readonly TagIndex _tags;
    private readonly OperationQueue _operations;
    private readonly OperationReader _reader;
    private readonly Guard _guard;
    private readonly TimeProvider _time;
    private readonly int _sampleSeconds;

    internal VirtualMachines(
        VmReader vms, HostStore hosts, HostConnections connections, VmRequestCheck check, EditVmHandler edit, TagIndex tags, OperationQueue operations, OperationReader reader, Guard guard, TimeProvider time, int sampleSeconds) =>
        (_vms, _hosts, _connections, _check, _edit, _tags, _operations, _reader, _guard, _time, _sampleSeconds) = (vms, hosts, connections, check, edit, tags, operations, reader, guard, time, sampleSeconds);

    /// <summary>A page of VMs; sort by <c>name</c> (default), <c>state</c>, <c>host</c>, <c>vcpus</c>, <c>memoryMiB</c>; search in name, id and tags.</summary>
    public async Task<Result<Page<Vm>>> ListAsync(Caller caller, VmQuery query, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadVms, VmStore.Kind, cancellation) is { } refusal) return refusal;
        if (!Sorting.TryResolve(page, VmReader.SortColumns, out var column, out var descending, out var problem)) return problem;
        return await _vms.PageAsync(query, page, column, descending, cancellation);
    }

    /// <summary>How many match, by state.</summary>
    public async Task<Result<VmCounts>> CountAsync(Caller caller, VmQuery query, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadVms, VmStore.Kind, cancellation) is { } refusal) return refusal;
        return await _vms.CountAsync(query, cancellation);
    }

    /// <summary>One VM.</summary>
    public async Task<Result<Vm>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadVms, Target(id), cancellation) is { } refusal) return refusal;
        return await _vms.FindAsync(id, cancellation) is var (vm, _) ? vm : Problem.NotFound("VM", id);
    }

    /// <summary>Every tag that some VM has, sorted.</summary>
    public async Task<Result<IReadOnlyList<string>>> TagsAsync(Caller caller, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadVms, VmStore.Kind, cancellation) is { } refusal) return refusal;
        return Result<IReadOnlyList<string>>.From(await _tags.AllAsync(VmStore.Kind, cancellation));
    }

    /// <summary>The VM's snapshots, oldest first.</summary>
    public Task<Result<IReadOnlyList<VmSnapshot>>> SnapshotsAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        AskAsync(caller, HostsPermissions.ReadVms, id, vm => vm.Hypervisor.SnapshotsAsync(vm.Domain, cancellation), cancellation);

    /// <summary>The VM's use over the last hour.</summary>
    public async Task<Result<VmMetrics>> MetricsAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadVms, Target(id), cancellation) is { } refusal) return refusal;
        if (await _vms.FindAsync(id, cancellation) is not var (vm, domain)) return Problem.NotFound("VM", id);
        return new VmMetrics(_sampleSeconds, _connections.SamplesOf(vm.HostId, domain));
    }

    /// <summary>A two-way stream to the VM's screen, speaking RFB; dispose it to hang up. Conflict when it is off or has no screen, Unavailable when its host is away.</summary>
    public Task<Result<Stream>> OpenConsoleAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        AskAsync(caller, HostsPermissions.ConsoleVms, id, vm => Lit(vm).Hypervisor.OpenGraphicsAsync(vm.Domain, cancellation), cancellation);

    /// <summary>A picture of the VM's screen, PNG.</summary>
    public Task<Result<byte[]>> ScreenshotAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        AskAsync(caller, HostsPermissions.ConsoleVms, id, vm => Lit(vm).Hypervisor.ScreenshotAsync(vm.Domain, cancellation), cancellation);

    private static LocatedVm Lit(LocatedVm vm)
    {
        if (vm.Vm.State is VmState.Off or VmState.Crashed) throw new ProblemException(Problem.Conflict("The VM is off", $"'{vm.Vm.Name}' is {vm.Vm.State.ToString().ToLowerInvariant()}, so its screen is dark. Start it first."));
        if (!vm.Vm.HasConsole) throw new ProblemException(Problem.Conflict("The VM has no screen", $"'{vm.Vm.Name}' has no VNC graphics. Add <graphics type='vnc'> to its definition."));
        return vm;
    }

    private async Task<Result<T>> AskAsync<T>(Caller caller, Permission permission, Guid id, Func<LocatedVm, Task<T>> ask, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, permission, Target(id), cancellation) is { } refusal) return refusal;
        if (!(await _connections.LocateAsync(id, cancellation)).TryGet(out var vm, out var problem)) return problem;
        try { return Result<T>.From(await ask(vm)); }
        catch (ProblemException e) { return e.Problem; }
    }

    /// <summary>Null when a VM may be named so; for the rooms above that define VMs.</summary>
    public static FieldError? CheckName(string? name, string field) => VmNames.Check(name, field);

    /// <summary>A file name for a disk of a new VM, which people recognise and no other VM has.</summary>
    public static string VolumeName(string vmName, Guid vmId, string target, string format) => VmNames.Volume(vmName, vmId, target, format);

    private static string Target(Guid id) => $"{VmStore.Kind}:{id}";
}
