using Quarterdeck.Operations;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Points;

/// <summary>Points that an operation holds, such as a restore, a verification or a proof that reads them: nothing removes them meanwhile.</summary>
internal sealed class PointsInUse(OperationReader reader) : IPointUse
{
    /// <inheritdoc/>
    public async Task<string?> WhyNeededAsync(Guid pointId, CancellationToken cancellation) =>
        (await reader.HeldAsync([$"recovery-point:{pointId}"], cancellation)).Count > 0 ? "An operation works with it." : null;
}
