using Quarterdeck.Appliances.Environment;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>What operations on a deployed appliance are queued with.</summary>
/// <param name="ApplianceId">The appliance.</param>
/// <param name="Asked">Whether somebody asked for it: then it is done even while the guest runs.</param>
internal sealed record ApplianceInput(Guid ApplianceId, bool Asked = false);

/// <summary>Takes the passwords out of the environment of an appliance that is no plug-in.</summary>
internal sealed class SealHandler(HostConnections hosts, ApplianceStore store, EnvironmentWriter writer) : IOperationHandler
{
    public static readonly OperationKind SealKind = new("appliance.seal", "Take passwords out of the environment", AppliancePermissions.Manage) { MaxAttempts = 5 };

    public OperationKind Kind => SealKind;

    public static NewOperation Sealing(ApplianceRow row, bool asked) => new(SealKind.Key, $"appliance:{row.Id:D}", row.Name, new ApplianceInput(row.Id, asked))
    {
        // Nobody may start the guest between the look at its state and the last byte.
        Locks = [new ResourceLock($"vm:{row.VmId:D}", LockMode.Exclusive)],
    };

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<ApplianceInput>();
        await operation.StepAsync("seal", "Rewriting the environment", async ct =>
        {
            if (await store.FindAsync(input.ApplianceId, ct) is not { Environment: EnvironmentState.Open } row) return;
            var found = hosts.Get(row.HostId);
            if (found.Problem is { Kind: ProblemKind.Unavailable } away) throw new TransientException(away.Detail);
            var hypervisor = found.Value;
            var running = await hypervisor.DomainAsync(row.VmId, ct) is { State: VmState.Running or VmState.Paused };
            if (running && !input.Asked)
            {
                operation.Log("The guest runs again; this is done when it is off.");
                return;
            }
            await writer.WriteAsync(hypervisor, row, row.Places, new Dictionary<string, string>(), withPasswords: false, ct);
            await store.SealedAsync(row.Id, ct);
            if (running && row.Places.Firmware is not null) operation.Log("The guest can read its firmware's configuration as it was at power-on until it is powered off; the file behind it is clean.");
        });
        return null;
    }
}
