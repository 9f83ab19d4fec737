using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quarterdeck.Database;

namespace Quarterdeck.Web.Health;

/// <summary>The database answers.</summary>
internal sealed class DatabaseCheck(DatabaseHealth database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var state = await database.CheckAsync(cancellationToken);
        return state.Available ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(state.Reason);
    }
}
