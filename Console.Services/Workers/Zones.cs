using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>The host names that workers answer.</summary>
public sealed class Zones
{
    internal Zones() { }

    /// <summary>One page by host name; the search looks into it.</summary>
    public Task<Result<Page<Zone>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>One zone.</summary>
    public Task<Result<Zone>> GetAsync(Caller caller, string hostname, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Makes a zone or replaces its routes; answers once this node routes by them.</summary>
    /// <returns>The zone, and whether it is new.</returns>
    public Task<Result<(Zone Zone, bool Made)>> PutAsync(Caller caller, string hostname, NewZone wanted, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Deletes a zone: its host name is answered 404 from then on.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string hostname, CancellationToken cancellation) => throw new NotSupportedException();
}
