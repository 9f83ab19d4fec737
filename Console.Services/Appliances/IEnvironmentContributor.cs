using Quarterdeck.Operations;

namespace Quarterdeck.Appliances;

/// <summary>Seam for a room above that takes part in deployments: it adds properties to the OVF environment at power-on and may wait for the guest afterwards.</summary>
/// <remarks>Every method is idempotent: after a kill it is called again.</remarks>
public interface IEnvironmentContributor
{
    /// <summary>Names of small files (at most 64 KiB each) it wants to see from packages.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>What a package with these files asks to be allowed, for the administrator to decide; empty for nothing. Unreadable files ask for nothing.</summary>
    IReadOnlyList<OvaCapability> Asks(IReadOnlyDictionary<string, byte[]> files);

    /// <summary>Called once the package is read and verified, before anything is defined. Returns whether it takes part; then the appliance is powered on whatever the specification says.</summary>
    /// <exception cref="Quarterdeck.Platform.ProblemException">The package is refused; everything made so far is removed.</exception>
    Task<bool> JoinAsync(ApplianceDeployment deployment, IOperationContext operation, CancellationToken cancellation);

    /// <summary>Called when the environment is written, if it takes part: properties for the environment; they win over the package's own.</summary>
    Task<IReadOnlyDictionary<string, string>> PropertiesAsync(ApplianceDeployment deployment, CancellationToken cancellation);

    /// <summary>Called right before the power is switched on when it takes part: what is valid from power-on begins now.</summary>
    Task PowerOnAsync(ApplianceDeployment deployment, CancellationToken cancellation);

    /// <summary>Called after power-on when it takes part: waits for the guest. Its properties and the package's passwords leave the environment when it calls <paramref name="seal"/> with what may stay.</summary>
    /// <returns>Members for the operation's result, such as <c>pluginId</c>.</returns>
    Task<IReadOnlyDictionary<string, string>> FollowAsync(ApplianceDeployment deployment, IOperationContext operation, Func<IReadOnlyDictionary<string, string>, CancellationToken, Task> seal, CancellationToken cancellation);

    /// <summary>The deployment failed, or the appliance is being removed: forget it.</summary>
    Task LeaveAsync(Guid applianceId, CancellationToken cancellation);
}
