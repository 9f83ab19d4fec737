using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Web.Backups;

/// <summary>REST of recovery points, <c>/api/v1/recovery-points</c>, and of a VM's backup; the hub's topic <c>recovery-points</c>.</summary>
internal static class RecoveryPointEndpoints
{
    /// <summary>Fields that lists sort by.</summary>
    public static readonly string[] Sortable = ["createdAt", "vm", "readBytes", "storedBytes", "logicalBytes"];

    private const string Copies = "Which repository is meant, for a point that was copied and is in several.";

    /// <summary>What <c>POST /vms/{id}/actions/backup</c> takes.</summary>
    /// <param name="RepositoryId">Where to; may be left out when there is only one repository, or only one that has the VM's points.</param>
    /// <param name="Full">Whether to read everything although changes were tracked.</param>
    /// <param name="BytesPerSecond">Most bytes to read from the VM in a second, at least 1 MiB.</param>
    internal sealed record BackupRequest(Guid? RepositoryId = null, bool Full = false, long? BytesPerSecond = null);

    /// <summary>Lets clients of the hub follow <c>recovery-points</c>.</summary>
    public static IServiceCollection AddRecoveryPointsTopic(this IServiceCollection services) =>
        services.AddLiveTopic<RecoveryPoint, RecoveryPoint>("recovery-points", BackupsPermissions.Read, p => (caller, page, c) => p.GetRequiredService<RecoveryPoints>().ListAsync(caller, new RecoveryPointQuery(), page, c), x => x);

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapBackups(this IEndpointRouteBuilder api)
    {
        var points = api.MapGroup("/recovery-points").WithTags("Recovery points");
        points.MapGet("", ListAsync).Needs(BackupsPermissions.Read).Answers<Listing<RecoveryPoint>>("List recovery points")
            .WithDescription("Newest first. Filters: vmId, repositoryId, common (made before a restore), damaged (found so by the last verification). Sorts by createdAt, vm, readBytes, storedBytes or logicalBytes; searches in VM name and ids.");
        points.MapGet("/{id:guid}", GetAsync).Needs(BackupsPermissions.Read).Answers<RecoveryPoint>("Read a recovery point").TakesQuery("repositoryId", Copies);
        points.MapDelete("/{id:guid}", DeleteAsync).Needs(BackupsPermissions.Delete).AnswersNothing("Delete a recovery point")
            .WithDescription("Its room comes back with the repository's next collect. 409 for a pinned one.").TakesQuery("repositoryId", Copies);
        points.MapPost("/{id:guid}/actions/verify", VerifyAsync).Needs(BackupsPermissions.Run).AnswersOperation("Read every chunk of a recovery point and check it").TakesQuery("repositoryId", Copies);
        points.MapPost("/{id:guid}/actions/pin", (Guid id, HttpContext http, RecoveryPoints all, CancellationToken c) => PinAsync(id, true, http, all, c)).Needs(BackupsPermissions.Run)
            .Answers<RecoveryPoint>("Keep a recovery point whatever retention says").TakesQuery("repositoryId", Copies);
        points.MapPost("/{id:guid}/actions/unpin", (Guid id, HttpContext http, RecoveryPoints all, CancellationToken c) => PinAsync(id, false, http, all, c)).Needs(BackupsPermissions.Run)
            .Answers<RecoveryPoint>("Let retention have a recovery point again").TakesQuery("repositoryId", Copies);
        api.MapPost("/vms/{id:guid}/actions/backup", BackUpAsync).WithTags("Virtual machines").Needs(BackupsPermissions.Run).AnswersOperation("Back a VM up now")
            .WithDescription("The operation's result has recoveryPointId, kind, consistency, readBytes, storedBytes, logicalBytes, seconds and notes.");
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, string? vmId, string? repositoryId, bool? common, bool? damaged, HttpContext http, RecoveryPoints points, CancellationToken cancellation)
    {
        if (!list.Page(Sortable).TryGet(out var page, out var problem)) return problem.ToHttp();
        if (!Read(vmId, repositoryId, common, damaged).TryGet(out var query, out problem)) return problem.ToHttp();
        return (await points.ListAsync(CallerAccessor.FromHttp(http), query, page, cancellation)).ToList();
    }

    /// <summary>The filters as the address spells them.</summary>
    public static Result<RecoveryPointQuery> Read(string? vmId, string? repositoryId, bool? common, bool? damaged = null)
    {
        var errors = new List<FieldError>();
        var query = new RecoveryPointQuery(Id(vmId, "vmId", "GET /vms"), Id(repositoryId, "repositoryId", "GET /repositories"), common, damaged);
        return errors.Count > 0 ? Problem.Invalid(errors) : query;

        Guid? Id(string? text, string field, string from)
        {
            if (string.IsNullOrEmpty(text)) return null;
            if (Guid.TryParse(text, out var id)) return id;
            errors.Add(new(field, $"'{text}' is not an id.", $"Send an id that {from} lists."));
            return null;
        }
    }

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, RecoveryPoints points, CancellationToken cancellation) =>
        (await points.GetAsync(CallerAccessor.FromHttp(http), id, cancellation, Repository(http))).ToOk();

    private static async Task<IResult> DeleteAsync(Guid id, HttpContext http, RecoveryPoints points, CancellationToken cancellation) =>
        (await points.DeleteAsync(CallerAccessor.FromHttp(http), id, cancellation, Repository(http))).ToNoContent();

    private static async Task<IResult> VerifyAsync(Guid id, HttpContext http, RecoveryPoints points, CancellationToken cancellation) =>
        (await points.VerifyAsync(CallerAccessor.FromHttp(http), id, cancellation, Repository(http))).ToAccepted();

    private static async Task<IResult> PinAsync(Guid id, bool pinned, HttpContext http, RecoveryPoints points, CancellationToken cancellation) =>
        (await points.PinAsync(CallerAccessor.FromHttp(http), id, pinned, cancellation, Repository(http))).ToOk();

    private static async Task<IResult> BackUpAsync(Guid id, JsonBody<BackupRequest> body, HttpContext http, VirtualMachines machines, RecoveryPoints points, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await machines.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        if (!(await body.ReadAsync(cancellation)).TryGet(out var request, out var problem)) return problem.ToHttp();
        if (!(request.RepositoryId is { } named ? named : await points.RepositoryForAsync(id, cancellation)).TryGet(out var repository, out problem)) return problem.ToHttp();
        return (await points.BackUpAsync(caller, new NewBackup(id, repository, request.Full, BytesPerSecond: request.BytesPerSecond), cancellation)).ToAccepted();
    }

    private static Guid? Repository(HttpContext http) => Guid.TryParse(http.Request.Query["repositoryId"], out var id) ? id : null;
}
