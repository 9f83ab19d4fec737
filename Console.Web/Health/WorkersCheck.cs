using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Health;

/// <summary>The routing table was read and every shard has answered once, or this node runs no workers and says why. A wall that the machine does not allow is told, and keeps nobody from working.</summary>
internal sealed class WorkersCheck(ComputeServers servers, WorkerTable table) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        !servers.Available ? HealthCheckResult.Degraded(servers.Problem)
        : !table.IsLoaded ? HealthCheckResult.Unhealthy("The table of zones is being read.")
        : !servers.Started ? HealthCheckResult.Unhealthy("The compute servers are starting.")
        : servers.List().FirstOrDefault(s => !s.Sandbox.Complete && s.State is ComputeServerState.Up) is { } open ? HealthCheckResult.Healthy($"Not every wall around {open.Id} stands on this machine: see Compute servers.")
        : HealthCheckResult.Healthy());
}
