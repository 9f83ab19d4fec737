using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances;

/// <summary>Takes OVA packages in: looks at them, or deploys them while they are being uploaded.</summary>
public sealed class ApplianceImport
{
    /// <summary>Whether the caller may deploy; asked before the first byte of an upload is read.</summary>
    public Task<Result<Done>> MayDeployAsync(Caller caller, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Whether the caller may inspect; asked before the first byte of an upload is read.</summary>
    public Task<Result<Done>> MayInspectAsync(Caller caller, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Reads the package once, straight into disks on the host, then queues the rest (define, environment, power on, enrolment). Returns when the upload is read.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="spec">What to make of it.</param>
    /// <param name="ova">The package; read once, not sought.</param>
    /// <param name="length">Its bytes in all, for the progress; null when unknown.</param>
    /// <param name="cancellation">Ends the upload; what was made is removed.</param>
    /// <returns>The operation's id, also when the package was refused while it was read (the operation then tells why), or a refusal before anything was made.</returns>
    public Task<Result<Guid>> BeginAsync(Caller caller, ApplianceSpec spec, Stream ova, long? length, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Reads the package once, verifies it, keeps nothing.</summary>
    public Task<Result<OvaInspection>> InspectAsync(Caller caller, Stream ova, CancellationToken cancellation) => throw new NotImplementedException();
}
