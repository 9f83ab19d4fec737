namespace Quarterdeck.Appliances;

/// <summary>A package on its way to become a VM, as contributors see it.</summary>
/// <param name="Id">The appliance's id (UUIDv7).</param>
/// <param name="OperationId">The operation that deploys it.</param>
/// <param name="HostId">The host.</param>
/// <param name="VmId">Id of the VM, known before it is defined.</param>
/// <param name="VmName">Name of the VM.</param>
/// <param name="Product">What the package says it is.</param>
/// <param name="Networks">The host networks its cards are plugged into.</param>
/// <param name="Plugin">What the administrator said about its being a plug-in; null for nothing.</param>
/// <param name="Files">Small files that contributors asked for and that the package's digests cover, by name.</param>
public sealed record ApplianceDeployment(
    Guid Id,
    Guid OperationId,
    Guid HostId,
    Guid VmId,
    string VmName,
    OvaProduct Product,
    IReadOnlyList<string> Networks,
    bool? Plugin,
    IReadOnlyDictionary<string, byte[]> Files)
{
    /// <summary>Permission keys that the administrator approves for it, all of them known to the console; what the plug-in asks for beyond them is not granted.</summary>
    public IReadOnlyList<string> ApprovedCapabilities { get; init; } = [];
}
