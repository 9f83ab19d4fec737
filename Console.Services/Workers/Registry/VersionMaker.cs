using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Objects;
using Quarterdeck.Workers.Projects;

namespace Quarterdeck.Workers.Registry;

/// <summary>Makes a version: checks it, tries it, stores its bytes, then itself with its deployment in one transaction.</summary>
internal sealed partial class VersionMaker(
    Db db, UploadCheck check, Bundler bundler, IEnumerable<IStartupCheck> startup, BlobStore blobs, WorkerStore workers, VersionStore versions, CodeReader reader, PolicyStore policies, Deployer deployer, WorkerNews news, ObjectStore objects, ClassMigrator migrator,
    IOptions<WorkersOptions> options, AuditLog audit, TimeProvider time, ILogger<VersionMaker> logger)
{
    public async Task<Result<UploadOutcome>> UploadAsync(Caller caller, string name, WorkerUpload upload, bool deploy, CancellationToken cancellation)
    {
        if (UploadCheck.Name(name) is { } wrong) return wrong;
        if (!(await CompiledAsync(upload, cancellation)).TryGet(out upload!, out var mistaken)) return mistaken;
        var existing = await workers.FindAsync(name, cancellation);
        if (!(await check.ReadAsync(name, existing, upload, cancellation)).TryGet(out var draft, out var problem)) return problem;
        try { return await MakeAsync(caller, name, existing, draft, deploy, cancellation); }
        catch (ProblemException refused) { return refused.Problem; } // by a migration: nothing was made
    }

    public async Task<Result<UploadOutcome>> ReviseAsync(Caller caller, string name, WorkerRevision wanted, bool deploy, CancellationToken cancellation)
    {
        if (await workers.FindAsync(name, cancellation) is not { } worker) return Problem.NotFound("worker", name);
        if (await versions.FindAsync(new WorkerKey(worker.Serial, worker.LatestVersion), cancellation) is not { } from) return Problem.NotFound("version", worker.LatestVersion);
        var modules = await reader.ModulesAsync(from, cancellation);
        if (!(await check.ReviseAsync(worker, from, modules, wanted, cancellation)).TryGet(out var draft, out var problem)) return problem;
        return await MakeAsync(caller, name, worker, draft, deploy, cancellation);
    }

    /// <summary>An upload with TypeScript in it is compiled; any other stays as it is.</summary>
    private async Task<Result<WorkerUpload>> CompiledAsync(WorkerUpload upload, CancellationToken cancellation)
    {
        if (!WorkerProjects.NeedsCompiling(upload)) return upload;
        var assets = upload.Files.Where(f => f.Name.StartsWith(AssetCheck.Folder, StringComparison.Ordinal)).ToList();
        var sources = upload.Files.Except(assets).Select(f => f with { Name = ModuleCheck.Normal(f.Name) ?? "" }).ToList();
        if (sources.Exists(f => f.Name.Length == 0)) return Problem.Invalid("modules", "A name leaves the upload or has characters that no module's name has.", "Use relative paths such as lib/answer.ts.");
        var scripts = sources.Where(f => ModuleCheck.IsTypeScript(f.Name)).Select(f => f.Name).ToList();
        if ((upload.Metadata.MainModule is { } named ? ModuleCheck.Normal(named) : scripts.Count == 1 ? scripts[0] : null) is not { } main || sources.TrueForAll(f => f.Name != main))
            return Problem.Invalid("mainModule", "It is missing, or no module of the upload.", $"Name the module whose default export runs, such as {scripts[0]}.");
        var node = (upload.Metadata.CompatibilityFlags ?? []).Any(f => f.StartsWith("nodejs_compat", StringComparison.Ordinal));
        var order = new BundleOrder(main, false, node, new Dictionary<string, string>(), new Dictionary<string, string>());
        return (await bundler.BundleAsync(sources, order, cancellation)).Then(m => new WorkerUpload(upload.Metadata with { MainModule = m[0].Name }, [.. m, .. assets]));
    }

    private async Task<Result<UploadOutcome>> MakeAsync(Caller caller, string name, Worker? existing, VersionDraft draft, bool deploy, CancellationToken cancellation)
    {
        if (!(await TryAsync(draft, cancellation)).TryGet(out var report, out var problem)) return problem;
        await blobs.PutAsync(draft.Code.Modules.Select(m => (CodeDigest.Of(m.Content.Span), m.Content)).Concat(draft.AssetFiles.Select(f => (draft.Assets!.Files[f.Key].Digest, f.Value))), cancellation);
        var policy = await policies.ReadAsync(cancellation);
        var trusted = caller.Role >= policy.TrustedRole;
        var made = await db.TransactionAsync(async connection =>
        {
            var serial = await workers.EnsureAsync(connection, name, trusted, caller.Name);
            var key = await versions.AddAsync(connection, serial, draft, trusted, caller.Name);
            await migrator.ApplyAsync(connection, serial, draft.Migrations, deploy);
            await objects.EnsureAsync(connection, serial, draft.Code.Bindings.Where(ObjectClass.IsOwn).Select(ObjectClass.NameOf).Distinct());
            await Bindings.Queues.QueueStore.EnsureAsync(connection, draft.Queues, time.GetUtcNow());
            await audit.WriteAsync(connection, caller, "worker.version", $"worker:{name}", name, null, Shown(key, draft), cancellation);
            if (!deploy) return (Key: key, Number: 0);
            var deployment = await deployer.WriteAsync(
                connection, caller, serial, name, existing?.Deployment, new DeploymentDraft([new VersionShare(key.Version, 100)], null, draft.Message, false, caller.Name), null, policy, cancellation);
            return (Key: key, deployment.Value.Number);
        }, cancellation);
        var worker = (await workers.FindAsync(made.Key.Serial, cancellation))!;
        if (deploy) await deployer.TellAsync(worker.Id, worker.Serial, made.Number);
        else news.Worker(worker.Id, worker.Serial);
        Log.Made(logger, name, made.Key.Version, caller.Name, report.StartupMs);
        await versions.PruneAsync(worker.Serial, options.Value.KeepVersions, cancellation);
        return new UploadOutcome(name, made.Key.Version, deploy, report.StartupMs, draft.Warnings);
    }

    private async Task<Result<StartupReport>> TryAsync(VersionDraft draft, CancellationToken cancellation)
    {
        var best = new StartupReport(0, null);
        foreach (var one in startup)
        {
            if (!(await one.CheckAsync(new StartupCandidate(Guid.NewGuid(), draft.Code, draft.HealthPath), cancellation)).TryGet(out var report, out var problem)) return StartMistake.Explain(problem);
            best = report;
        }
        return best;
    }

    // Names and kinds only: what a binding holds may be meant for few eyes.
    private static object Shown(WorkerKey key, VersionDraft draft) => new
    {
        key.Version, draft.Code.Digest, draft.Code.MainModule, draft.Code.CompatibilityDate, draft.Code.CompatibilityFlags, draft.Limits, Modules = draft.Code.Modules.Count,
        Bindings = draft.Code.Bindings.Select(b => new { b.Name, b.Kind }), draft.Triggers, draft.Code.Egress, Assets = draft.Assets?.Files.Count, draft.Message,
    };

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Version {Version} of the worker {Name} was made by {Caller}; it started within {Milliseconds} ms.")]
        public static partial void Made(ILogger logger, string name, int version, string caller, double milliseconds);
    }
}
