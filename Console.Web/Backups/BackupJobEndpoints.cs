using Quarterdeck.Backups;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Backups;

/// <summary>REST of backup jobs: <c>/api/v1/backup-jobs</c>.</summary>
internal static class BackupJobEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static void MapBackupJobs(this RouteGroupBuilder api)
    {
        var jobs = api.MapGroup("/backup-jobs").WithTags("Backups");
        jobs.MapGet("", ListAsync).Needs(BackupsPermissions.Read).Answers<Listing<BackupJob>>("List backup jobs");
        jobs.MapPost("", AddAsync).Needs(BackupsPermissions.ManageJobs).Produces<BackupJob>(201).WithSummary("Add a backup job")
            .WithDescription("Protects the VMs that its targets mean at each run. Without a schedule it runs by hand only; without numbers in retention everything stays.");
        jobs.MapGet("/{id:guid}", GetAsync).Needs(BackupsPermissions.Read).Answers<BackupJob>("Show a backup job");
        jobs.MapPut("/{id:guid}", ReplaceAsync).Needs(BackupsPermissions.ManageJobs).Answers<BackupJob>("Replace a backup job");
        jobs.MapDelete("/{id:guid}", DeleteAsync).Needs(BackupsPermissions.ManageJobs).Produces(204).WithSummary("Delete a backup job").WithDescription("Its recovery points stay.");
        jobs.MapPost("/{id:guid}/actions/run", RunAsync).Needs(BackupsPermissions.Run).AnswersOperation("Run a backup job now");
        jobs.MapPost("/{id:guid}/retention-preview", PreviewAsync).Needs(BackupsPermissions.Read).Answers<IReadOnlyList<KeptPoint>>("Show which of the job's points a retention would keep, and why");
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, JobBook jobs, CancellationToken cancellation) =>
        list.Page(JobBook.Sorts).TryGet(out var page, out var problem) ? (await jobs.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> AddAsync(JsonBody<NewBackupJob> body, HttpContext http, JobBook jobs, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var job, out var problem) ? (await jobs.AddAsync(CallerAccessor.FromHttp(http), job, cancellation)).ToCreated(j => $"/backup-jobs/{j.Id}", j => j) : problem.ToHttp();

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, JobBook jobs, CancellationToken cancellation) => (await jobs.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> ReplaceAsync(Guid id, JsonBody<NewBackupJob> body, HttpContext http, JobBook jobs, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await jobs.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var job, out var problem) ? (await jobs.ReplaceAsync(caller, id, job, cancellation)).ToOk() : problem.ToHttp();
    }

    private static async Task<IResult> DeleteAsync(Guid id, HttpContext http, JobBook jobs, CancellationToken cancellation) => (await jobs.DeleteAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent();

    private static async Task<IResult> RunAsync(Guid id, HttpContext http, JobBook jobs, CancellationToken cancellation) => (await jobs.RunAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();

    private static async Task<IResult> PreviewAsync(Guid id, JsonBody<Retention> body, HttpContext http, JobBook jobs, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await jobs.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp();
        return (await body.ReadAsync(cancellation)).TryGet(out var retention, out var problem) ? (await jobs.PreviewAsync(caller, id, retention, cancellation)).ToOk() : problem.ToHttp();
    }
}
