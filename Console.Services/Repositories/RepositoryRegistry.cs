using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Registry;

namespace Quarterdeck.Repositories;

/// <summary>The repositories that the console knows.</summary>
public sealed class RepositoryRegistry
{
    private readonly RepositoryStore _store;
    private readonly RepositoryAdmission _admission;
    private readonly RepositoryPlaces _places;
    private readonly RepositoryWatch _watch;
    private readonly IEnumerable<IRepositoryUse> _users;
    private readonly RepositorySchedules _schedules;
    private readonly EventStream<RepositoryInfo> _stream;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal RepositoryRegistry(
        RepositoryStore store, RepositoryAdmission admission, RepositoryPlaces places, RepositoryWatch watch, IEnumerable<IRepositoryUse> users, RepositorySchedules schedules, EventStream<RepositoryInfo> stream, Guard guard, AuditLog audit) =>
        (_store, _admission, _places, _watch, _users, _schedules, _stream, _guard, _audit) = (store, admission, places, watch, users, schedules, stream, guard, audit);

    /// <summary>Whether all repositories were looked at once since the start.</summary>
    public bool Looked => _watch.Looked;

    /// <summary>A page of repositories by name, or by <c>kind</c>, <c>location</c>, <c>state</c>, <c>usedBytes</c>, <c>logicalBytes</c>, <c>points</c>, <c>createdAt</c>. The search looks into name and location.</summary>
    public async Task<Result<Page<RepositoryInfo>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, RepositoriesPermissions.Read, "repository", cancellation) is { } refused ? refused : await _store.ListAsync(page, cancellation);

    /// <summary>One repository.</summary>
    public async Task<Result<RepositoryInfo>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.Read, Target(id), cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } row ? row.ToInfo() : Problem.NotFound("repository", id);
    }

    /// <summary>How it grew, a sample a day, oldest first.</summary>
    public async Task<Result<IReadOnlyList<RepositorySample>>> GrowthAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if ((await GetAsync(caller, id, cancellation)).Problem is { } refused) return refused;
        return Result<IReadOnlyList<RepositorySample>>.From(await _store.SamplesAsync(id, cancellation));
    }

    /// <summary>Makes a repository, or adopts the one that is at the location, with its points.</summary>
    /// <returns>Invalid for wrong fields or a key that does not open it; Conflict when the name, the location or the repository is there already; Unavailable when it cannot be reached.</returns>
    public async Task<Result<AddedRepository>> AddAsync(Caller caller, AddRepository request, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.Manage, "repository", cancellation) is { } refused) return refused;
        // Asked before anything is made: a refusal afterwards would leave an empty repository, and its key nowhere.
        if (request.Name?.Trim() is { Length: > 0 } name && await _store.NameIsTakenAsync(name, cancellation)) return Taken(name);
        if (!(await _admission.AdmitAsync(request, cancellation)).TryGet(out var admitted, out var problem)) return problem;
        if (!await _store.AddAsync(admitted.Row, cancellation)) return Taken(admitted.Row.Name);
        var row = admitted.Row;
        await _audit.WriteAsync(caller, "repository.add", Target(row.Id), row.Name, null, new { row.Name, row.Kind, row.Location, row.Encrypted, row.AppendOnly, admitted.Adopted }, cancellation);
        await _watch.LookAsync(row, cancellation);
        return new AddedRepository((await _store.FindAsync(row.Id, cancellation) ?? row).ToInfo(), admitted.Adopted, admitted.NewKey);
    }

    private static Problem Taken(string name) =>
        Problem.Conflict("The repository is there already", $"A repository is named '{name}', lies at this location, or is this very one under another name. Choose another name, or use that repository.");

    /// <summary>Forgets a repository; its data stays where it is, and it can be added again.</summary>
    /// <returns>Conflict while something needs it.</returns>
    public async Task<Result<Done>> RemoveAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.Manage, Target(id), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("repository", id);
        foreach (var user in _users)
            if (await user.WhyNeededAsync(id, cancellation) is { } why) return Problem.Conflict("The repository is needed", why);
        await _schedules.EndAsync(caller, id, cancellation);
        await _store.RemoveAsync(id, cancellation);
        await _audit.WriteAsync(caller, "repository.remove", Target(id), row.Name, new { row.Name, row.Kind, row.Location, row.Points }, null, cancellation);
        _stream.Remove(id.ToString("D"));
        return Done.It;
    }

    /// <summary>The key of an encrypted repository, for its recovery sheet; each look is in the audit log.</summary>
    /// <returns>Conflict when it is not encrypted.</returns>
    public async Task<Result<ExportedKey>> ExportKeyAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.ExportKey, Target(id), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("repository", id);
        if (_places.Secrets(row).Key is not { } text || RepositoryKey.Parse(text) is not { } key) return Problem.Conflict("It has no key", $"'{row.Name}' is not encrypted.");
        await _audit.WriteAsync(caller, "repository.key.export", Target(id), row.Name, null, new { key.KeyId }, cancellation);
        return new ExportedKey(row.RepositoryId, key.KeyId, key.ToString());
    }

    internal static string Target(Guid id) => $"repository:{id:D}";
}
