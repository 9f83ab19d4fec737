using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Where a worker is to run.</summary>
/// <param name="Tier">shared, cordon or off.</param>
/// <param name="Reason">Why, for people; absent for none.</param>
internal sealed record MoveWorker(WorkerTier? Tier, string? Reason = null);

/// <summary>REST of a worker's tier: <c>/api/v1/workers/{name}/tiers</c> and <c>/actions/move</c>.</summary>
internal static class TierEndpoints
{
    /// <summary>Maps them on the group <c>/workers</c>.</summary>
    public static IEndpointRouteBuilder MapTiers(this IEndpointRouteBuilder workers)
    {
        workers.MapGet("/{name}/tiers", HistoryAsync).Needs(WorkersPermissions.Read).Answers<IReadOnlyList<TierStep>>("Read a worker's last 100 steps between the tiers, newest first, with their reasons");
        workers.MapPost("/{name}/actions/move", MoveAsync).Needs(WorkersPermissions.Manage).Answers<TierStep>("Move a worker to a tier by hand: shared, cordon or off")
            .WithDescription("It stays there until strikes or a hand move it again. A worker that is not trusted cannot be shared.");
        return workers;
    }

    private static async Task<IResult> HistoryAsync(string name, HttpContext http, TierBook tiers, CancellationToken cancellation) =>
        (await tiers.HistoryAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();

    private static async Task<IResult> MoveAsync(string name, JsonBody<MoveWorker> body, HttpContext http, TierBook tiers, CancellationToken cancellation)
    {
        if (!(await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem)) return problem.ToHttp();
        return (await tiers.MoveAsync(CallerAccessor.FromHttp(http), name, wanted.Tier ?? (WorkerTier)(-1), wanted.Reason, cancellation)).ToOk();
    }
}
