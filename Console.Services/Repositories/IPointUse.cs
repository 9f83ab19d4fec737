namespace Quarterdeck.Repositories;

/// <summary>Filled by rooms above: says who is working with a point, so that it is not removed under them.</summary>
public interface IPointUse
{
    /// <summary>A sentence such as <c>A restore reads it.</c>; null when nobody does.</summary>
    Task<string?> WhyNeededAsync(Guid pointId, CancellationToken cancellation);
}
