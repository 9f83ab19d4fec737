using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>What was ever made of a worker, and how versions differ.</summary>
public sealed class WorkerVersions
{
    private readonly WorkerStore _workers;
    private readonly VersionStore _versions;
    private readonly CodeReader _reader;
    private readonly Guard _guard;

    internal WorkerVersions(WorkerStore workers, VersionStore versions, CodeReader reader, Guard guard) => (_workers, _versions, _reader, _guard) = (workers, versions, reader, guard);

    /// <summary>One page, newest first; without modules' bytes.</summary>
    public async Task<Result<Page<WorkerVersion>>> ListAsync(Caller caller, string name, PageQuery page, CancellationToken cancellation) =>
        (await WorkerAsync(caller, name, cancellation)).TryGet(out var worker, out var problem) ? await _versions.ListAsync(worker.Serial, page, cancellation) : problem;

    /// <summary>One version.</summary>
    public async Task<Result<WorkerVersion>> GetAsync(Caller caller, string name, int version, CancellationToken cancellation)
    {
        if (!(await WorkerAsync(caller, name, cancellation)).TryGet(out var worker, out var problem)) return problem;
        return await _versions.FindAsync(new WorkerKey(worker.Serial, version), cancellation) is { } found ? found : Problem.NotFound($"version of '{name}'", version);
    }

    /// <summary>Its modules with their bytes, main module first.</summary>
    public async Task<Result<IReadOnlyList<WorkerModule>>> ModulesAsync(Caller caller, string name, int version, CancellationToken cancellation) =>
        (await GetAsync(caller, name, version, cancellation)).TryGet(out var found, out var problem) ? Result<IReadOnlyList<WorkerModule>>.From(await _reader.ModulesAsync(found, cancellation)) : problem;

    /// <summary>What differs between two versions.</summary>
    public async Task<Result<VersionDiff>> DiffAsync(Caller caller, string name, int from, int to, CancellationToken cancellation)
    {
        if (!(await GetAsync(caller, name, from, cancellation)).TryGet(out var older, out var problem)) return problem;
        if (!(await GetAsync(caller, name, to, cancellation)).TryGet(out var newer, out problem)) return problem;
        return VersionComparison.Of(older, await _reader.ModulesAsync(older, cancellation), newer, await _reader.ModulesAsync(newer, cancellation));
    }

    private async Task<Result<Worker>> WorkerAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, $"worker:{name}", cancellation) is { } refused) return refused;
        return await _workers.FindAsync(name, cancellation) is { } worker ? worker : Problem.NotFound("worker", name);
    }
}
