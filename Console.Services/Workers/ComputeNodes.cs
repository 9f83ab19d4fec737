using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Nodes;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers;

/// <summary>The compute servers of all nodes.</summary>
/// <param name="Servers">Those of this node first, then by node.</param>
/// <param name="Missing">Why those of other nodes are not among them; null when they are.</param>
public sealed record ComputeServerList(IReadOnlyList<ComputeServerInfo> Servers, string? Missing);

/// <summary>Looks at the compute servers of all nodes. Other nodes say every two seconds what they have; this one is looked at itself.</summary>
public sealed class ComputeNodes
{
    /// <summary>After this time without a word a node counts as gone. Nodes' clocks must agree better than this.</summary>
    public static readonly TimeSpan Silent = TimeSpan.FromSeconds(8);

    private readonly ServerFleet _fleet;
    private readonly NodeStore _store;
    private readonly NodeName _name;
    private readonly EventBus _bus;
    private readonly Guard _guard;
    private readonly TimeProvider _time;

    internal ComputeNodes(ServerFleet fleet, NodeStore store, NodeName name, EventBus bus, Guard guard, TimeProvider time) =>
        (_fleet, _store, _name, _bus, _guard, _time) = (fleet, store, name, bus, guard, time);

    /// <summary>All of them. A node that went silent is shown, down, for ten minutes, unless one of its name came back.</summary>
    public async Task<Result<ComputeServerList>> ListAsync(Caller caller, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, "compute-server", cancellation) is { } refused) return refused;
        var own = _fleet.List();
        if (!_bus.IsShared) return new ComputeServerList(own, null);
        IReadOnlyList<NodeReport> reports;
        try { reports = await _store.ReadAsync(cancellation); }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new ComputeServerList(own, $"The database does not answer, so the compute servers of other nodes are not shown: {e.Message}");
        }
        var since = _time.GetUtcNow() - Silent;
        var others = reports.Where(r => r.Id != _name.Id).ToList();
        var alive = others.Where(r => r.SeenAt >= since).Select(r => r.Node).Append(_name.Name).ToHashSet();
        return new ComputeServerList([.. own, .. others.SelectMany(r => r.SeenAt >= since ? r.Servers : alive.Contains(r.Node) ? [] : r.Servers.Select(s => Gone(s, r.SeenAt)))], null);
    }

    private static ComputeServerInfo Gone(ComputeServerInfo server, DateTimeOffset seen) => server with
    {
        State = ComputeServerState.Down, Pid = null, Since = null, Workers = 0, RssBytes = 0, Guard = "off", GuardReason = "Its node is silent.",
        LastEnd = $"Its node has not been heard of since {seen:yyyy-MM-dd HH:mm:ss} UTC.",
    };
}
