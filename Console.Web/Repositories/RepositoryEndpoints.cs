using Quarterdeck.Repositories;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Repositories;

/// <summary>REST of backup repositories: <c>/api/v1/repositories</c>.</summary>
internal static class RepositoryEndpoints
{
    private static readonly string[] Sortable = ["name", "kind", "location", "state", "usedBytes", "logicalBytes", "points", "createdAt"];

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapRepositories(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/repositories").WithTags("Repositories");
        group.MapGet("", ListAsync).Needs(RepositoriesPermissions.Read).Produces<Listing<RepositoryInfo>>()
            .WithSummary("List repositories").WithDescription("Sorts by name, kind, location, state, usedBytes, logicalBytes, points or createdAt; searches in name and location.");
        group.MapPost("", AddAsync).Needs(RepositoriesPermissions.Manage).Produces<AddedRepository>(201)
            .WithSummary("Add a repository").WithDescription("What is at the location is adopted with its points; else a repository is made. A generated key is in this answer and in no other list: keep it.");
        group.MapGet("/{id:guid}", GetAsync).Needs(RepositoriesPermissions.Read).Produces<RepositoryInfo>().WithSummary("Read a repository");
        group.MapDelete("/{id:guid}", RemoveAsync).Needs(RepositoriesPermissions.Manage).Produces(204)
            .WithSummary("Forget a repository").WithDescription("Its data stays where it is, and can be added again.");
        group.MapGet("/{id:guid}/growth", GrowthAsync).Needs(RepositoriesPermissions.Read).Produces<IReadOnlyList<RepositorySample>>().WithSummary("Read how it grew, a sample a day");
        group.MapGet("/{id:guid}/key", KeyAsync).Needs(RepositoriesPermissions.ExportKey).Produces<ExportedKey>()
            .WithSummary("Export the key of an encrypted repository").WithDescription("Each export is in the audit log.");
        group.MapGet("/{id:guid}/schedules", SchedulesAsync).Needs(RepositoriesPermissions.Read).Produces<RepositoryUpkeepSchedules>().WithSummary("Read when a repository is verified, pruned and collected by itself");
        group.MapPut("/{id:guid}/schedules", SetSchedulesAsync).Needs(RepositoriesPermissions.Manage).Produces<RepositoryUpkeepSchedules>()
            .WithSummary("Set when a repository is verified, pruned and collected by itself").WithDescription("All three at once; what is left out is never done. Each is {cron,timeZone,enabled?}.");
        group.MapPost("/{id:guid}/actions/verify", VerifyAsync).Needs(RepositoriesPermissions.Operate).Produces<AcceptedOperation>(202)
            .WithSummary("Read and hash everything").WithDescription("Tells which recovery points are affected by damage; the result has them by id.");
        group.MapPost("/{id:guid}/actions/prune", PruneAsync).Needs(RepositoriesPermissions.Operate).Produces<AcceptedOperation>(202)
            .WithSummary("Remove expired points").WithDescription("Pinned points, points in use and the last good point of a VM stay. Backup jobs apply their own retention after each run. Collect then frees the space.");
        group.MapPost("/{id:guid}/actions/collect", CollectAsync).Needs(RepositoriesPermissions.Operate).Produces<AcceptedOperation>(202)
            .WithSummary("Free what no point needs").WithDescription("Runs beside backups. What an open session may need goes with a later collect.");
        group.MapPost("/{id:guid}/actions/copy", CopyAsync).Needs(RepositoriesPermissions.Operate).Produces<AcceptedOperation>(202)
            .WithSummary("Copy points to another repository").WithDescription("Only what is missing there moves. pointIds: which; absent for all.");
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, RepositoryRegistry repositories, CancellationToken cancellation) =>
        list.Page(Sortable).TryGet(out var page, out var problem)
            ? (await repositories.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList()
            : problem.ToHttp();

    private static async Task<IResult> AddAsync(JsonBody<AddRepository> body, HttpContext http, RepositoryRegistry repositories, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var request, out var problem)
            ? (await repositories.AddAsync(CallerAccessor.FromHttp(http), request, cancellation)).ToCreated(r => $"/repositories/{r.Id}", r => r)
            : problem.ToHttp();

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, RepositoryRegistry repositories, CancellationToken cancellation) =>
        (await repositories.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> RemoveAsync(Guid id, HttpContext http, RepositoryRegistry repositories, CancellationToken cancellation) =>
        (await repositories.RemoveAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent();

    private static async Task<IResult> GrowthAsync(Guid id, HttpContext http, RepositoryRegistry repositories, CancellationToken cancellation) =>
        (await repositories.GrowthAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> KeyAsync(Guid id, HttpContext http, RepositoryRegistry repositories, CancellationToken cancellation) =>
        (await repositories.ExportKeyAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> VerifyAsync(Guid id, HttpContext http, RepositoryUpkeep upkeep, CancellationToken cancellation) =>
        (await upkeep.VerifyAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> PruneAsync(Guid id, HttpContext http, RepositoryUpkeep upkeep, CancellationToken cancellation) =>
        (await upkeep.PruneAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> CollectAsync(Guid id, HttpContext http, RepositoryUpkeep upkeep, CancellationToken cancellation) =>
        (await upkeep.CollectAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> SchedulesAsync(Guid id, HttpContext http, RepositorySchedules schedules, CancellationToken cancellation) =>
        (await schedules.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> SetSchedulesAsync(Guid id, JsonBody<UpkeepRules> body, HttpContext http, RepositorySchedules schedules, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await schedules.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var rules, out var problem) ? (await schedules.SetAsync(caller, id, rules, cancellation)).ToOk() : problem.ToHttp();
    }

    private static async Task<IResult> CopyAsync(Guid id, JsonBody<CopyRequest> body, HttpContext http, RepositoryRegistry repositories, RepositoryUpkeep upkeep, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await repositories.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var request, out var problem) ? (await upkeep.CopyAsync(caller, id, request.TargetId, request.PointIds, cancellation)).ToAccepted() : problem.ToHttp();
    }
}

/// <summary>What is copied where.</summary>
/// <param name="TargetId">The other repository.</param>
/// <param name="PointIds">Which points; null for all.</param>
public sealed record CopyRequest(Guid TargetId, IReadOnlyList<Guid>? PointIds = null);
