using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Removes an appliance that is no plug-in with all that its deployment made.</summary>
internal sealed class RemoveHandler(ApplianceRemoval removal) : IOperationHandler
{
    public static readonly OperationKind RemoveKind = new("appliance.remove", "Remove appliance", AppliancePermissions.Manage) { MaxAttempts = 5 };

    public OperationKind Kind => RemoveKind;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        await operation.StepAsync("remove", "Removing its VM, disks and environment", async ct =>
        {
            try
            {
                foreach (var path in await removal.RemoveAsync(operation.Input<ApplianceInput>().ApplianceId, ct)) operation.Warn($"{path} stays: its host is not managed any more.");
            }
            catch (ProblemException e) when (e.Problem.Kind is ProblemKind.Unavailable) { throw new TransientException(e.Problem.Detail, e); }
        });
        return null;
    }
}
