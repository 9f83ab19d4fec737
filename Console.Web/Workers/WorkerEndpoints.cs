using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Live;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>REST of workers: <c>/api/v1/workers</c>, <c>/api/v1/worker-policy</c>.</summary>
internal static class WorkerEndpoints
{
    /// <summary>Adds the hub's topic <c>workers</c>.</summary>
    public static IServiceCollection AddWorkersTopic(this IServiceCollection services) =>
        services.AddLiveTopic<Worker, Worker>("workers", WorkersPermissions.Read, p => (caller, page, c) => p.GetRequiredService<WorkerRegistry>().ListAsync(caller, page, c), x => x);

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapWorkers(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/workers").WithTags("Workers");
        group.MapGet("", ListAsync).Needs(WorkersPermissions.Read).Answers<Listing<Worker>>("List workers")
            .WithDescription($"Sorts by {string.Join(", ", WorkerRegistry.Sorts)}; searches in the name.");
        group.MapGet("/{name}", GetAsync).Needs(WorkersPermissions.Read).Answers<Worker>("Read a worker with what is deployed");
        group.MapPut("/{name}", PutAsync).Needs(WorkersPermissions.Deploy).Answers<UploadOutcome>("Send code in: makes a version, deployed at 100 % unless deploy=false", StatusCodes.Status201Created)
            .TakesUpload("Part 'metadata' (JSON: mainModule, compatibilityDate, compatibilityFlags, bindings, limits, triggers, migrations, assets, egress, healthPath, message), then the modules as parts named by their paths (kind by extension), then static files as parts named assets/….")
            .TakesQuery("deploy", "false makes the version only.");
        group.MapPut("/{name}/settings", SettingsAsync).Needs(WorkersPermissions.Deploy).Answers<Worker>("Set the automatic rollback of a worker");
        group.MapDelete("/{name}", DeleteAsync).Needs(WorkersPermissions.Manage).AnswersNothing("Delete a worker with its versions and routes");
        group.MapPost("/{name}/actions/trust", (string name, HttpContext http, WorkerRegistry workers, CancellationToken c) => TrustAsync(name, true, http, workers, c))
            .Needs(WorkersPermissions.Manage).Answers<Worker>("Trust a worker, so that it may run in a shared shard");
        group.MapPost("/{name}/actions/distrust", (string name, HttpContext http, WorkerRegistry workers, CancellationToken c) => TrustAsync(name, false, http, workers, c))
            .Needs(WorkersPermissions.Manage).Answers<Worker>("Withdraw the trust: the worker goes into a process of its own");
        group.MapPost("/projects", ProjectAsync).Needs(WorkersPermissions.Deploy).Answers<UploadOutcome>("Deploy a wrangler project folder as it is", StatusCodes.Status201Created)
            .TakesUpload("The folder's files as parts named by their paths, with node_modules where it imports packages; or the whole as application/zip, application/x-tar or application/gzip. Reads wrangler.toml, .json or .jsonc; keys that mean nothing here are named in 'warnings'.")
            .TakesQuery("name", "The worker's name; that of the settings file when absent.").TakesQuery("environment", "A named environment of the settings file.").TakesQuery("deploy", "false makes the version only.");
        group.MapVersions();
        group.MapTiers();
        group.MapObjects();
        api.MapGet("/worker-policy", PolicyAsync).Needs(WorkersPermissions.Read).Answers<WorkerPolicy>("Read the limits that hold for all workers").WithTags("Workers");
        api.MapPut("/worker-policy", SetPolicyAsync).Needs(WorkersPermissions.Manage).Answers<WorkerPolicy>("Set defaults and ceilings for all workers, and who is trusted").WithTags("Workers");
        return api;
    }

    /// <summary>Whether the query asks to deploy, which is so unless it says <c>deploy=false</c>.</summary>
    public static bool Deploys(HttpContext http) => !string.Equals(http.Request.Query["deploy"], "false", StringComparison.OrdinalIgnoreCase);

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, WorkerRegistry workers, CancellationToken cancellation) =>
        list.Page(WorkerRegistry.Sorts).TryGet(out var page, out var problem) ? (await workers.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> GetAsync(string name, HttpContext http, WorkerRegistry workers, CancellationToken cancellation) =>
        (await workers.GetAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();

    private static async Task<IResult> PutAsync(string name, HttpContext http, WorkerRegistry workers, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await workers.MayUploadAsync(caller, name, cancellation)).Problem is { } refused) return refused.ToHttp();
        if (!(await WorkerUploadReader.UploadAsync(http, cancellation)).TryGet(out var upload, out var problem)) return problem.ToHttp();
        return (await workers.UploadAsync(caller, name, upload, Deploys(http), cancellation)).ToCreated(o => $"/workers/{o.Name}", o => o);
    }

    private static async Task<IResult> ProjectAsync(HttpContext http, WorkerProjects projects, CancellationToken cancellation)
    {
        if (!(await FolderAsync(http, projects, cancellation)).TryGet(out var files, out var problem)) return problem.ToHttp();
        var query = http.Request.Query;
        var name = query["name"].ToString() is { Length: > 0 } named ? named : null;
        return (await projects.DeployAsync(CallerAccessor.FromHttp(http), files, name, query["environment"], Deploys(http), cancellation)).ToCreated(o => $"/workers/{o.Name}", o => o);
    }

    private static async Task<Result<IReadOnlyList<UploadedFile>>> FolderAsync(HttpContext http, WorkerProjects projects, CancellationToken cancellation)
    {
        if (http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant() is not ("application/zip" or "application/x-tar" or "application/gzip" or "application/x-gzip" or "application/octet-stream"))
            return (await WorkerUploadReader.FilesAsync(http, cancellation)).Then(f => (IReadOnlyList<UploadedFile>)f);
        return (await WorkerUploadReader.BodyAsync(http, cancellation)).TryGet(out var archive, out var problem) ? await projects.OpenArchiveAsync(archive, cancellation) : problem;
    }

    private static async Task<IResult> SettingsAsync(string name, JsonBody<WorkerSettings> body, HttpContext http, WorkerRegistry workers, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await workers.GetAsync(caller, name, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var settings, out var problem) ? (await workers.ChangeAsync(caller, name, settings, cancellation)).ToOk() : problem.ToHttp();
    }

    private static async Task<IResult> DeleteAsync(string name, HttpContext http, WorkerRegistry workers, CancellationToken cancellation) =>
        (await workers.DeleteAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToNoContent();

    private static async Task<IResult> TrustAsync(string name, bool trusted, HttpContext http, WorkerRegistry workers, CancellationToken cancellation) =>
        (await workers.TrustAsync(CallerAccessor.FromHttp(http), name, trusted, cancellation)).ToOk();

    private static async Task<IResult> PolicyAsync(HttpContext http, WorkerPolicies policies, CancellationToken cancellation) =>
        (await policies.GetAsync(CallerAccessor.FromHttp(http), cancellation)).ToOk();

    private static async Task<IResult> SetPolicyAsync(JsonBody<WorkerPolicy> body, HttpContext http, WorkerPolicies policies, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var policy, out var problem) ? (await policies.SetAsync(CallerAccessor.FromHttp(http), policy, cancellation)).ToOk() : problem.ToHttp();
}
