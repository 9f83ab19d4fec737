using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Appliances.Exchange;
using Quarterdeck.Appliances.Signatures;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;

namespace Quarterdeck.Appliances;

/// <summary>Registration of the room.</summary>
public static class AppliancesServices
{
    /// <summary>Adds the import of OVA packages. Needs Operations, Hosts, Secrets and Access.</summary>
    public static IServiceCollection AddAppliances(this IServiceCollection services)
    {
        services.AddOptions<AppliancesOptions>().BindConfiguration("Quarterdeck:Appliances")
            .Validate(o => o.MaxPackageBytes > 0, "Quarterdeck:Appliances:MaxPackageBytes must be above 0. Example: 549755813888")
            .Validate(o => o.Uploads is > 0 and <= 64, "Quarterdeck:Appliances:Uploads must be 1 to 64. Example: 4")
            .Validate(o => o.PowerOffLook >= TimeSpan.FromMilliseconds(50), "Quarterdeck:Appliances:PowerOffLook must be at least 50 ms. Example: 00:00:05")
            .ValidateOnStart();
        services.AddSingleton<ApplianceStore>();
        // The store publishes what it wrote, and the stream loads from the store: one of them has to look the other up later.
        services.AddSingleton(s => new EventStream<Appliance>("appliances", a => a.Id.ToString("D"), (keys, ct) => s.GetRequiredService<ApplianceStore>().LoadAsync(keys, ct), s.GetRequiredService<EventBus>()));
        services.AddSingleton<EnvironmentWriter>();
        services.AddSingleton<ApplianceDismantler>();
        services.AddSingleton<PublisherStore>();
        services.AddSingleton<PublisherTrust>();
        services.AddSingleton<PackageIntake>();
        // Constructors of public classes stay internal where they take private parts, so the container is told how.
        services.AddSingleton(s => new ApplianceImport(
            s.GetRequiredService<Guard>(), s.GetRequiredService<OperationQueue>(), s.GetRequiredService<HostConnections>(), s.GetRequiredService<PackageIntake>(),
            s.GetRequiredService<PermissionCatalogue>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<IOptions<AppliancesOptions>>()));
        services.AddSingleton(s => new ApplianceRemoval(s.GetRequiredService<ApplianceStore>(), s.GetRequiredService<ApplianceDismantler>()));
        services.AddSingleton<ExchangeIntake>();
        services.AddSingleton<ExchangeTrial>();
        services.AddSingleton<ExchangeEnding>();
        services.AddSingleton(s => new ApplianceExchange(s.GetRequiredService<ExchangeIntake>(), s.GetRequiredService<ExchangeTrial>(), s.GetRequiredService<ExchangeEnding>()));
        services.AddSingleton(s => new Publishers(s.GetRequiredService<PublisherStore>(), s.GetRequiredService<Guard>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new ApplianceRegistry(s.GetRequiredService<ApplianceStore>(), s.GetRequiredService<Guard>(), s.GetRequiredService<OperationQueue>()));
        services.AddOperationHandler<DeployHandler>();
        services.AddOperationHandler<SealHandler>();
        services.AddOperationHandler<RemoveHandler>();
        services.AddHostedService<FirstPowerOff>();
        services.AddSingleton<IBeforeVmChange, EnvironmentGoesWithVm>();
        services.AddPermissions(typeof(AppliancePermissions));
        return services;
    }
}
