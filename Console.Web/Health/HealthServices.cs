namespace Quarterdeck.Web.Health;

/// <summary>Registers what <c>/healthz/ready</c> asks.</summary>
public static class HealthServices
{
    /// <summary>Adds the checks of database, hosts, repositories and workers.</summary>
    public static IServiceCollection AddHealth(this IServiceCollection services)
    {
        services.AddHealthChecks().AddCheck<DatabaseCheck>("database").AddCheck<HostsCheck>("hosts").AddCheck<RepositoriesCheck>("repositories").AddCheck<WorkersCheck>("workers");
        return services;
    }
}
