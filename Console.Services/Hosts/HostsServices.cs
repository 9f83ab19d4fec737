using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Hosts.Supervision;
using Quarterdeck.Hosts.Vms;
using Quarterdeck.Operations;
using Quarterdeck.Schedules;
using Quarterdeck.Tags;

namespace Quarterdeck.Hosts;

/// <summary>Registers the room.</summary>
public static class HostsServices
{
    /// <summary>Adds hosts and VMs: services, live topics <c>hosts</c> and <c>vms</c>, operations, and the supervisors that run while the console does.</summary>
    public static IServiceCollection AddHosts(this IServiceCollection services)
    {
        services.AddOptions<HostsOptions>().BindConfiguration("Quarterdeck:Hosts").ValidateOnStart();
        services.AddSingleton<IValidateOptions<HostsOptions>, HostsOptionsValidator>();
        services.AddPermissions(typeof(HostsPermissions));
        services.TryAddSingleton<TagIndex>();
        services.TryAddSingleton<IHypervisorDriver, LibvirtDriver>();
        services.AddSingleton<VmStore>().AddSingleton<VmReader>().AddSingleton<HostStore>();
        services.AddSingleton(p => new EventStream<Vm>("vms", vm => vm.Id.ToString(), p.GetRequiredService<VmReader>().LoadAsync, p.GetRequiredService<EventBus>()));
        services.AddSingleton(p => new EventStream<HostInfo>("hosts", host => host.Id.ToString(), (ids, c) => p.GetRequiredService<HostStore>().LoadAsync(ids, c), p.GetRequiredService<EventBus>()));
        services.AddSingleton<Supervisors>();
        services.AddHostedService(p => p.GetRequiredService<Supervisors>());
        services.AddSingleton(p => new HostConnections(p.GetRequiredService<Supervisors>(), p.GetRequiredService<VmReader>()));
        services.AddSingleton(p => new HostRegistry(
            p.GetRequiredService<HostStore>(), p.GetRequiredService<Supervisors>(), p.GetRequiredService<HostConnections>(), p.GetRequiredService<Guard>(),
            p.GetRequiredService<AuditLog>(), p.GetRequiredService<EventStream<HostInfo>>(), p.GetRequiredService<EventStream<Vm>>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<VmRequestCheck>();
        services.AddSingleton<HostCalls>().AddSingleton<EditVmHandler>();
        services.AddSingleton(p => new VirtualMachines(
            p.GetRequiredService<VmReader>(), p.GetRequiredService<HostStore>(), p.GetRequiredService<HostConnections>(), p.GetRequiredService<VmRequestCheck>(), p.GetRequiredService<EditVmHandler>(),
            p.GetRequiredService<TagIndex>(), p.GetRequiredService<OperationQueue>(), p.GetRequiredService<OperationReader>(), p.GetRequiredService<Guard>(), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<IOptions<HostsOptions>>().Value.SampleSeconds));
        services.AddScheduledAction<ScheduledStart>().AddScheduledAction<ScheduledShutdown>().AddScheduledAction<ScheduledSnapshot>();
        services.AddOperationHandler<CreateVmHandler>().AddOperationHandler<DeleteVmHandler>().AddOperationHandler<EditVmHandler>();
        services.AddOperationHandler<StartVmHandler>().AddOperationHandler<ShutdownVmHandler>().AddOperationHandler<StopVmHandler>();
        services.AddOperationHandler<RebootVmHandler>().AddOperationHandler<PauseVmHandler>().AddOperationHandler<ResumeVmHandler>();
        services.AddOperationHandler<TakeSnapshotHandler>().AddOperationHandler<RevertSnapshotHandler>().AddOperationHandler<DeleteSnapshotHandler>();
        return services;
    }
}
