using System.Globalization;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>REST of versions and deployments: <c>/api/v1/workers/{name}/…</c>.</summary>
internal static class VersionEndpoints
{
    /// <summary>Maps them on the group <c>/workers</c>.</summary>
    public static void MapVersions(this RouteGroupBuilder workers)
    {
        workers.MapGet("/{name}/versions", ListAsync).Needs(WorkersPermissions.Read).Answers<Listing<VersionBody>>("List versions, newest first");
        workers.MapPost("/{name}/versions", ReviseAsync).Needs(WorkersPermissions.Deploy).Answers<UploadOutcome>("Make a version like the newest with other bindings, limits or compatibility", StatusCodes.Status201Created)
            .TakesQuery("deploy", "false makes the version only.");
        workers.MapGet("/{name}/versions/{version:int}", GetAsync).Needs(WorkersPermissions.Read).Answers<VersionBody>("Read a version");
        workers.MapGet("/{name}/versions/{version:int}/modules", ModulesAsync).Needs(WorkersPermissions.Read).Answers<IReadOnlyList<ModuleBody>>("Read the modules of a version, main module first");
        workers.MapGet("/{name}/versions/{version:int}/diff", DiffAsync).Needs(WorkersPermissions.Read).Answers<VersionDiff>("Compare a version with another").TakesQuery("from", "The version to compare with; the one before when absent.");
        workers.MapGet("/{name}/deployments", DeploymentsAsync).Needs(WorkersPermissions.Read).Answers<Listing<WorkerDeployment>>("List deployments, newest first");
        workers.MapPost("/{name}/deployments", DeployAsync).Needs(WorkersPermissions.Deploy).Answers<WorkerDeployment>("Let one version answer, or split the requests between two", StatusCodes.Status201Created);
        workers.MapGet("/{name}/crons", CronsAsync).Needs(WorkersPermissions.Read).Answers<CronReport>("Read cron triggers with their newest runs");
        workers.MapPost("/{name}/actions/rollback", RollBackAsync).Needs(WorkersPermissions.Deploy).Answers<WorkerDeployment>("Deploy again what answered before");
    }

    private static async Task<IResult> ListAsync(string name, ListQuery list, HttpContext http, WorkerVersions versions, CancellationToken cancellation) =>
        list.Page("version").TryGet(out var page, out var problem) ? (await versions.ListAsync(CallerAccessor.FromHttp(http), name, page, cancellation)).ToList(VersionBody.Of) : problem.ToHttp();

    private static async Task<IResult> ReviseAsync(string name, JsonBody<WorkerRevision> body, HttpContext http, WorkerRegistry workers, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await workers.GetAsync(caller, name, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        if (!(await body.ReadAsync(cancellation)).TryGet(out var revision, out var problem)) return problem.ToHttp();
        return (await workers.ReviseAsync(caller, name, revision, WorkerEndpoints.Deploys(http), cancellation)).ToCreated(o => $"/workers/{o.Name}/versions/{o.Version}", o => o);
    }

    private static async Task<IResult> GetAsync(string name, int version, HttpContext http, WorkerVersions versions, CancellationToken cancellation) =>
        (await versions.GetAsync(CallerAccessor.FromHttp(http), name, version, cancellation)).ToOk(VersionBody.Of);

    private static async Task<IResult> ModulesAsync(string name, int version, HttpContext http, WorkerVersions versions, CancellationToken cancellation) =>
        (await versions.ModulesAsync(CallerAccessor.FromHttp(http), name, version, cancellation)).ToOk(m => (IReadOnlyList<ModuleBody>)[.. m.Select(ModuleBody.Of)]);

    private static async Task<IResult> DiffAsync(string name, int version, HttpContext http, WorkerVersions versions, CancellationToken cancellation)
    {
        var text = http.Request.Query["from"].ToString();
        var from = version - 1;
        if (text.Length > 0 && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out from)) return Problem.Invalid("from", $"'{text}' is no version.", "Send from=1.").ToHttp();
        return (await versions.DiffAsync(CallerAccessor.FromHttp(http), name, from, version, cancellation)).ToOk();
    }

    private static async Task<IResult> DeploymentsAsync(string name, ListQuery list, HttpContext http, WorkerDeployments deployments, CancellationToken cancellation) =>
        list.Page("number").TryGet(out var page, out var problem) ? (await deployments.ListAsync(CallerAccessor.FromHttp(http), name, page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> DeployAsync(string name, JsonBody<NewDeployment> body, HttpContext http, WorkerRegistry workers, WorkerDeployments deployments, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await workers.GetAsync(caller, name, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        if (!(await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem)) return problem.ToHttp();
        return (await deployments.DeployAsync(caller, name, wanted, cancellation)).ToCreated(_ => $"/workers/{name}/deployments", d => d);
    }

    private static async Task<IResult> CronsAsync(string name, HttpContext http, WorkerCrons crons, CancellationToken cancellation) =>
        (await crons.GetAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();

    private static async Task<IResult> RollBackAsync(string name, HttpContext http, WorkerDeployments deployments, CancellationToken cancellation) =>
        (await deployments.RollBackAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();
}
