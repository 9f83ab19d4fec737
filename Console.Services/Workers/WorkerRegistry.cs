using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>The workers: reading, sending code in, settings, trust, deleting.</summary>
public sealed class WorkerRegistry
{
    private const string Kind = "worker";
    private readonly WorkerStore _store;
    private readonly VersionMaker _maker;
    private readonly WorkerNews _news;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal WorkerRegistry(WorkerStore store, VersionMaker maker, WorkerNews news, Guard guard, AuditLog audit) => (_store, _maker, _news, _guard, _audit) = (store, maker, news, guard, audit);

    /// <summary>What lists may be sorted by, as REST spells it.</summary>
    public static IReadOnlyCollection<string> Sorts { get; } = [.. WorkerStore.Sorts.Keys];

    /// <summary>One page; the search looks into the name.</summary>
    public async Task<Result<Page<Worker>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, WorkersPermissions.Read, Kind, cancellation) is { } refused ? refused : await _store.ListAsync(page, cancellation);

    /// <summary>One worker.</summary>
    public async Task<Result<Worker>> GetAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, Target(name), cancellation) is { } refused) return refused;
        return await _store.FindAsync(name, cancellation) is { } worker ? worker : Problem.NotFound(Kind, name);
    }

    /// <summary>Whether the caller may send code in: asked before an upload is read.</summary>
    public async Task<Result<Done>> MayUploadAsync(Caller caller, string name, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, WorkersPermissions.Deploy, Target(name), cancellation) is { } refused ? refused : UploadCheck.Name(name) is { } wrong ? wrong : Done.It;

    /// <summary>Checks code, tries it, and makes a version of it; makes the worker when there is none of that name.</summary>
    /// <param name="caller">Who sends it.</param>
    /// <param name="name">The worker's name.</param>
    /// <param name="upload">The code.</param>
    /// <param name="deploy">Whether it gets all requests at once. The answer then comes when this node routes to it.</param>
    /// <param name="cancellation">Gives up; nothing is made then.</param>
    public async Task<Result<UploadOutcome>> UploadAsync(Caller caller, string name, WorkerUpload upload, bool deploy, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, WorkersPermissions.Deploy, Target(name), cancellation) is { } refused ? refused : await _maker.UploadAsync(caller, name, upload, deploy, cancellation);

    /// <summary>Makes a version with the newest one's modules and other bindings, limits or compatibility.</summary>
    public async Task<Result<UploadOutcome>> ReviseAsync(Caller caller, string name, WorkerRevision revision, bool deploy, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, WorkersPermissions.Deploy, Target(name), cancellation) is { } refused ? refused : await _maker.ReviseAsync(caller, name, revision, deploy, cancellation);

    /// <summary>Replaces the settings that are no part of a version.</summary>
    public async Task<Result<Worker>> ChangeAsync(Caller caller, string name, WorkerSettings settings, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Deploy, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } worker) return Problem.NotFound(Kind, name);
        var errors = new List<FieldError>();
        if (settings.Rollback is { } rule)
        {
            if (rule.ErrorPercent is < 1 or > 100) errors.Add(new("rollback.errorPercent", $"{rule.ErrorPercent} is not between 1 and 100.", "Give 10 for a tenth of the requests."));
            if (rule.WindowSeconds is < 10 or > 3600) errors.Add(new("rollback.windowSeconds", $"{rule.WindowSeconds} is not between 10 and 3600.", "Give 60, or leave it out."));
            if (rule.LeastRequests is < 1 or > 1_000_000) errors.Add(new("rollback.leastRequests", $"{rule.LeastRequests} is not between 1 and 1000000.", "Give 20, or leave it out."));
        }
        if (errors.Count > 0) return Problem.Invalid(errors);
        await _store.SetRollbackAsync(worker.Serial, settings.Rollback, connection =>
            _audit.WriteAsync(connection, caller, "worker.settings", Target(name), name, new { worker.Rollback }, new { settings.Rollback }, cancellation), cancellation);
        return await ToldAsync(worker, cancellation);
    }

    /// <summary>Trusts a worker, so that it may run in a shared shard, or withdraws that: it goes into a cordon.</summary>
    public async Task<Result<Worker>> TrustAsync(Caller caller, string name, bool trusted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Manage, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } worker) return Problem.NotFound(Kind, name);
        await _store.TrustAsync(worker.Serial, trusted, worker.CreatedBy, connection =>
            _audit.WriteAsync(connection, caller, trusted ? "worker.trust" : "worker.distrust", Target(name), name, new { worker.Trusted }, new { Trusted = trusted }, cancellation), cancellation);
        return await ToldAsync(worker, cancellation);
    }

    /// <summary>Deletes a worker with its versions and routes; its zones stay.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Manage, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } worker) return Problem.NotFound(Kind, name);
        var zones = await _store.DeleteAsync(worker.Serial, connection =>
            _audit.WriteAsync(connection, caller, "worker.delete", Target(name), name, new { worker.Serial, worker.LatestVersion, worker.Deployment?.Versions }, null, cancellation), cancellation);
        _news.Zones(zones);
        _news.Worker(worker.Id, worker.Serial);
        await _news.RoutedAsync(table => !table.Workers.ContainsKey(worker.Serial), CancellationToken.None);
        return Done.It;
    }

    private async Task<Result<Worker>> ToldAsync(Worker before, CancellationToken cancellation)
    {
        _news.Worker(before.Id, before.Serial);
        return await _store.FindAsync(before.Serial, cancellation) is { } worker ? worker : Problem.NotFound(Kind, before.Name);
    }

    private static string Target(string name) => $"{Kind}:{name}";
}
