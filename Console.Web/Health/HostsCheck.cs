using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Health;

/// <summary>Each host's inventory was read once, or the host is declared unavailable with the reason.</summary>
internal sealed class HostsCheck(HostRegistry hosts, HostConnections connections) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!connections.Following) return HealthCheckResult.Unhealthy("The hosts are being looked up.");
        if (!(await hosts.ListAsync(Caller.System, new PageQuery(Size: PageQuery.MaxSize), cancellationToken)).TryGet(out var page, out var problem))
            return HealthCheckResult.Unhealthy(problem.Detail);
        var states = page.Items.ToDictionary(h => h.Name, h => (object)new DependencyState("host:" + h.Name, Word(h), h.State is HostState.Connected ? h.Version : h.Problem));
        var worst = states.Values.Cast<DependencyState>().Any(s => s.State == "starting") ? HealthStatus.Unhealthy
            : states.Values.Cast<DependencyState>().Any(s => s.State == "unavailable") ? HealthStatus.Degraded : HealthStatus.Healthy;
        return new HealthCheckResult(worst, data: states);
    }

    private string Word(HostInfo host) => host switch
    {
        // After a kill the database still says what was true before it.
        { State: HostState.Connected } when !connections.Settled && !connections.Get(host.Id).Ok => "starting",
        { State: HostState.Connected } => "ready",
        { Problem: null or HostInfo.Connecting, State: HostState.Disconnected } => "starting",
        _ => "unavailable",
    };
}
