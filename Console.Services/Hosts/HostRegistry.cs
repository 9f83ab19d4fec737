using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Supervision;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <summary>The hosts that the console manages.</summary>
public sealed class HostRegistry
{
    private const int MaxName = 100;
    private readonly HostStore _store;
    private readonly Supervisors _supervisors;
    private readonly HostConnections _connections;
    private readonly Guard _guard;
    private readonly AuditLog _audit;
    private readonly EventStream<HostInfo> _events;
    private readonly EventStream<Vm> _vmEvents;
    private readonly TimeProvider _time;

    internal HostRegistry(HostStore store, Supervisors supervisors, HostConnections connections, Guard guard, AuditLog audit, EventStream<HostInfo> events, EventStream<Vm> vmEvents, TimeProvider time) =>
        (_store, _supervisors, _connections, _guard, _audit, _events, _vmEvents, _time) = (store, supervisors, connections, guard, audit, events, vmEvents, time);

    /// <summary>A page of hosts; sort by <c>name</c> (default), <c>uri</c>, <c>state</c>; search in name and URI.</summary>
    public async Task<Result<Page<HostInfo>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadHosts, "host", cancellation) is { } refusal) return refusal;
        if (!Sorting.TryResolve(page, HostStore.SortColumns, out var column, out var descending, out var problem)) return problem;
        return await _store.PageAsync(page, column, descending, cancellation);
    }

    /// <summary>One host.</summary>
    public async Task<Result<HostInfo>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadHosts, Target(id), cancellation) is { } refusal) return refusal;
        return await _store.FindAsync(id, cancellation) is { } host ? host : Problem.NotFound("host", id);
    }

    /// <summary>Adds a host and begins to connect; it is <c>disconnected</c> until its hypervisor answers. Invalid for a URI outside the allow-list, Conflict for a name or URI that is there already.</summary>
    public async Task<Result<HostInfo>> AddAsync(Caller caller, NewHost host, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ManageHosts, "host", cancellation) is { } refusal) return refusal;
        if (CheckName(host.Name) is { } wrong) return wrong;
        if (!_supervisors.Check(host.Uri).TryGet(out var uri, out var problem)) return problem;
        var id = Guid.CreateVersion7(_time.GetUtcNow());
        if (!await _store.AddAsync(id, host.Name!.Trim(), uri.Text, HostInfo.Connecting, cancellation)) return Taken(host.Name.Trim(), uri.Text);
        var added = (await _store.FindAsync(id, cancellation))!;
        await _audit.WriteAsync(caller, "host.add", Target(id), added.Name, null, new { added.Name, added.Uri }, cancellation);
        _events.Publish(added);
        _supervisors.LookNow();
        return added;
    }

    /// <summary>Renames a host, or takes it into or out of maintenance.</summary>
    public async Task<Result<HostInfo>> EditAsync(Caller caller, Guid id, HostChange change, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ManageHosts, Target(id), cancellation) is { } refusal) return refusal;
        if (await _store.FindAsync(id, cancellation) is not { } before) return Problem.NotFound("host", id);
        if (change.Name is not null && CheckName(change.Name) is { } wrong) return wrong;
        var name = change.Name?.Trim() ?? before.Name;
        if (!await _store.EditAsync(id, name, change.Maintenance ?? before.State == HostState.Maintenance, cancellation)) return Taken(name, before.Uri);
        var after = (await _store.FindAsync(id, cancellation))!;
        await _audit.WriteAsync(caller, "host.edit", Target(id), after.Name, new { before.Name, Maintenance = before.State == HostState.Maintenance }, new { after.Name, Maintenance = after.State == HostState.Maintenance }, cancellation);
        _events.Publish(after);
        if (before.Name != after.Name && _supervisors.Find(id) is { } session) await session.Mirror.PublishAllAsync(cancellation);
        return after;
    }

    /// <summary>Forgets a host and its VMs; nothing is changed on it.</summary>
    public async Task<Result<Done>> RemoveAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ManageHosts, Target(id), cancellation) is { } refusal) return refusal;
        if (await _store.FindAsync(id, cancellation) is not { } host) return Problem.NotFound("host", id);
        var vms = await _store.RemoveAsync(id, cancellation);
        await _audit.WriteAsync(caller, "host.remove", Target(id), host.Name, new { host.Name, host.Uri, Vms = vms.Count }, null, cancellation);
        _events.Remove(id.ToString());
        if (vms.Count > 0) _vmEvents.Remove(vms);
        _supervisors.LookNow();
        return Done.It;
    }

    /// <summary>Tries a disconnected host now rather than after its back-off.</summary>
    public async Task<Result<HostInfo>> ReconnectAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ManageHosts, Target(id), cancellation) is { } refusal) return refusal;
        if (await _store.FindAsync(id, cancellation) is not { } host) return Problem.NotFound("host", id);
        _supervisors.Find(id)?.Kick();
        return host;
    }

    /// <summary>The host's storage pools.</summary>
    public async Task<Result<IReadOnlyList<PoolInfo>>> PoolsAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        await AskAsync(caller, id, h => h.PoolsAsync(cancellation), cancellation);

    /// <summary>The host's libvirt networks.</summary>
    public async Task<Result<IReadOnlyList<NetworkInfo>>> NetworksAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        await AskAsync(caller, id, h => h.NetworksAsync(cancellation), cancellation);

    private async Task<Result<IReadOnlyList<T>>> AskAsync<T>(Caller caller, Guid id, Func<IHypervisor, Task<IReadOnlyList<T>>> ask, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ReadHosts, Target(id), cancellation) is { } refusal) return refusal;
        if (!_connections.Get(id).TryGet(out var hypervisor, out var problem)) return problem;
        try { return Result<IReadOnlyList<T>>.From(await ask(hypervisor)); }
        catch (HypervisorException e) { return e.Problem; }
    }

    private static string Target(Guid id) => $"host:{id}";

    private static Problem Taken(string name, string uri) =>
        Problem.Conflict("The host is there already", $"A host is named '{name}' or has the URI '{uri}' already. Choose another name, or use that host.");

    private static Problem? CheckName(string? name)
    {
        if (string.IsNullOrWhiteSpace(name)) return Problem.Invalid("name", "It is missing.", $"Give 1 to {MaxName} characters.");
        if (name.Trim().Length > MaxName) return Problem.Invalid("name", $"It has {name.Trim().Length} characters.", $"Give 1 to {MaxName} characters.");
        return name.Any(char.IsControl) ? Problem.Invalid("name", "It has control characters.", "Use printable characters.") : null;
    }
}
