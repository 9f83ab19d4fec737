using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Web.Health;

/// <summary>Each repository was looked at once, or is declared unavailable with the reason.</summary>
internal sealed class RepositoriesCheck(RepositoryRegistry repositories) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!repositories.Looked) return HealthCheckResult.Unhealthy("The repositories are being looked at.");
        if (!(await repositories.ListAsync(Caller.System, new PageQuery(Size: PageQuery.MaxSize), cancellationToken)).TryGet(out var page, out var problem))
            return HealthCheckResult.Unhealthy(problem.Detail);
        var states = page.Items.ToDictionary(r => r.Name, r => (object)new DependencyState("repository:" + r.Name, r.State is RepositoryState.Ready or RepositoryState.Damaged ? "ready" : "unavailable", r.Problem));
        return new HealthCheckResult(page.Items.All(r => r.State is RepositoryState.Ready or RepositoryState.Damaged) ? HealthStatus.Healthy : HealthStatus.Degraded, data: states);
    }
}
