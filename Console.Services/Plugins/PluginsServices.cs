using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Plugins.Authority;
using Quarterdeck.Plugins.Life;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Plugins.Webhooks;

namespace Quarterdeck.Plugins;

/// <summary>Registration of the room.</summary>
public static class PluginsServices
{
    /// <summary>Adds the registry, enrolment and health of plug-ins. Needs Appliances.</summary>
    public static IServiceCollection AddPlugins(this IServiceCollection services)
    {
        services.AddOptions<PluginsOptions>().BindConfiguration("Quarterdeck:Plugins")
            .Validate(o => o.HeartbeatSeconds is >= 1 and <= 3600, "Quarterdeck:Plugins:HeartbeatSeconds must be 1 to 3600. Example: 15")
            .Validate(o => o.DegradedAfter >= 1 && o.UnreachableAfter > o.DegradedAfter, "Quarterdeck:Plugins:UnreachableAfter must be above DegradedAfter, and that at least 1. Example: 6 and 3")
            .Validate(o => o.EnrolmentWindow > TimeSpan.Zero && o.ReadyWindow > TimeSpan.Zero && o.UpgradeWindow > TimeSpan.Zero, "Quarterdeck:Plugins:EnrolmentWindow, ReadyWindow and UpgradeWindow must be above 0. Example: 00:15:00")
            .Validate(o => o.TokenLife >= TimeSpan.FromHours(1), "Quarterdeck:Plugins:TokenLife must be at least an hour. Example: 90.00:00:00")
            .ValidateOnStart();
        services.AddSingleton<PluginStore>();
        services.AddSingleton<TokenStore>();
        services.AddSingleton<VisitStore>();
        services.AddSingleton<AuthorityStore>();
        services.AddSingleton<MomentStore>();
        services.AddSingleton<TrialStore>();
        services.AddSingleton<WebhookStore>();
        services.AddSingleton(s => new WebhookPost(s.GetRequiredService<PluginDoor>().OpenAsync, s.GetRequiredService<WebhookStore>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<WebhookCourier>();
        services.AddHostedService(s => s.GetRequiredService<WebhookCourier>());
        services.AddHostedService<WebhookSource>();
        services.AddSingleton<WhereaboutsStore>();
        services.AddSingleton<PluginEnvironment>();
        services.AddSingleton<Upgrades>();
        services.AddSingleton<ApplianceAddress>();
        services.AddSingleton(s => new EventStream<Plugin>("plugins", p => p.Id.ToString("D"), s.GetRequiredService<PluginStore>().LoadAsync, s.GetRequiredService<EventBus>()));
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(s => new ConsoleAuthority(s.GetRequiredService<AuthorityStore>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new Enrolment(
            s.GetRequiredService<PluginStore>(), s.GetRequiredService<TokenStore>(), s.GetRequiredService<ConsoleAuthority>(), s.GetRequiredService<EventStream<Plugin>>(),
            s.GetRequiredService<AuditLog>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<IOptions<PluginsOptions>>(), s.GetRequiredService<WebhookStore>()));
        services.AddSingleton(s => new PluginRegistry(s.GetRequiredService<PluginStore>(), s.GetRequiredService<Guard>(), s.GetRequiredService<OperationQueue>(), s.GetRequiredService<AuditLog>(),
            s.GetRequiredService<Upgrades>(), s.GetRequiredService<MomentStore>()));
        services.AddSingleton(s => new PluginDoor(s.GetRequiredService<PluginStore>(), s.GetRequiredService<HostConnections>()));
        services.AddSingleton(s => new PluginTickets(
            s.GetRequiredService<VisitStore>(), s.GetRequiredService<PluginStore>(), s.GetRequiredService<SessionKeeper>(), s.GetRequiredService<Guard>(), s.GetRequiredService<AuditLog>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new PackageValidator(s.GetRequiredService<Guard>(), s.GetRequiredService<PermissionCatalogue>(), s.GetRequiredService<ApplianceImport>()));
        services.AddSingleton(s => new PluginCallers(s.GetRequiredService<TokenStore>(), s.GetRequiredService<PermissionCatalogue>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IEnvironmentContributor, PluginContributor>();
        services.AddOperationHandler<EnableHandler>();
        services.AddOperationHandler<DisableHandler>();
        services.AddOperationHandler<UpgradeHandler>();
        services.AddOperationHandler<UninstallHandler>();
        services.AddHostedService<HealthWatch>();
        services.AddSingleton<VmWatch>();
        services.AddHostedService(s => s.GetRequiredService<VmWatch>());
        services.AddPermissions(typeof(PluginPermissions));
        return services;
    }
}
