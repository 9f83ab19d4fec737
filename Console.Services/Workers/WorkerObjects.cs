using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Objects;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers;

/// <summary>A worker's durable objects.</summary>
/// <param name="Node">The node that has them; null before the first was called.</param>
/// <param name="Bytes">What all of them take on the disk; null when that is another node's.</param>
/// <param name="MostBytes">What they may take before none can be made or store more; null when that is another node's.</param>
/// <param name="Classes">Their classes.</param>
public sealed record ObjectReport(string? Node, long? Bytes, long? MostBytes, IReadOnlyList<ObjectClassInfo> Classes);

/// <summary>A class of durable objects.</summary>
/// <param name="Class">As the worker exports it.</param>
/// <param name="Objects">How many objects it has.</param>
/// <param name="Alarms">How many of them have an alarm.</param>
/// <param name="CreatedAt">When it was first deployed.</param>
public sealed record ObjectClassInfo(string Class, long Objects, long Alarms, DateTimeOffset CreatedAt);

/// <summary>A durable object.</summary>
/// <param name="Id">64 hexadecimal digits.</param>
/// <param name="Name">Of which its id was made; null for none.</param>
/// <param name="CreatedAt">When it was first called.</param>
/// <param name="AlarmAt">When it is woken next; null for never.</param>
/// <param name="AlarmFailure">How its last alarm failed; null when it did not.</param>
/// <param name="Bytes">What it takes on the disk; null when that is another node's.</param>
public sealed record ObjectInfo(string Id, string? Name, DateTimeOffset CreatedAt, DateTimeOffset? AlarmAt, string? AlarmFailure, long? Bytes);

/// <summary>Some objects of a class.</summary>
/// <param name="Items">By their ids.</param>
/// <param name="Next">What to ask for more after; null when there is none.</param>
public sealed record ObjectSlice(IReadOnlyList<ObjectInfo> Items, string? Next);

/// <summary>Looks at durable objects and removes them. What is in one only its own code reads.</summary>
public sealed class WorkerObjects
{
    /// <summary>Most objects of one answer.</summary>
    public const int Most = 500;
    private readonly ObjectStore _store;
    private readonly ObjectRouter _router;
    private readonly ObjectFleet _fleet;
    private readonly WorkerTable _table;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal WorkerObjects(ObjectStore store, ObjectRouter router, ObjectFleet fleet, WorkerTable table, Guard guard, AuditLog audit) =>
        (_store, _router, _fleet, _table, _guard, _audit) = (store, router, fleet, table, guard, audit);

    /// <summary>A worker's classes with how many objects they have. Their process is started for it when it rests.</summary>
    public async Task<Result<ObjectReport>> GetAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, $"worker:{name}", cancellation) is { } refused) return refused;
        if (_table.Current.ByName(name) is not { } worker) return Problem.NotFound("worker", name);
        var classes = await _store.ClassesAsync(worker.Serial, cancellation);
        var home = await _router.FindAsync(worker.Serial, cancellation);
        IReadOnlyList<ObjectCount> counts = [];
        if (home is not null && classes.Count > 0 && (await AskAsync(worker.Serial, admin => admin.ObjectCountsAsync(cancellation))).TryGet(out counts!, out var problem) is false) return problem;
        var here = home is { Here: true };
        return new ObjectReport(home?.Row.Node, here ? ObjectFiles.Bytes(_fleet.FolderOf(worker.Serial)) : null, here ? _fleet.MostBytes : null,
            [.. classes.Select(c => counts.FirstOrDefault(n => n.Ns == c.Key) is var n ? new ObjectClassInfo(c.Name, n?.Objects ?? 0, n?.Alarms ?? 0, c.CreatedAt) : null!)]);
    }

    /// <summary>Objects of a class by their ids.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="name">The worker.</param>
    /// <param name="type">The class.</param>
    /// <param name="after">The id after which to begin; null for the first.</param>
    /// <param name="limit">At most so many, 1 to <see cref="Most"/>.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<Result<ObjectSlice>> ListAsync(Caller caller, string name, string type, string? after, int limit, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, $"worker:{name}", cancellation) is { } refused) return refused;
        if (limit is < 1 or > Most) return Problem.Invalid("limit", $"{limit} is not between 1 and {Most}.", "Send limit=100, or leave it out.");
        if (!(await ClassAsync(name, type, cancellation)).TryGet(out var found, out var problem)) return problem;
        if (await _router.FindAsync(found.Serial, cancellation) is not { } home) return new ObjectSlice([], null);
        if (!(await AskAsync(found.Serial, admin => admin.ObjectsAsync(found.Key, after ?? "", limit, cancellation))).TryGet(out var objects, out problem)) return problem;
        var sizes = home.Here ? ObjectFiles.ByObject(_fleet.FolderOf(found.Serial)) : null;
        return new ObjectSlice(
            [.. objects.Select(o => new ObjectInfo(o.Id, o.Name, At(o.Made), o.Alarm is { } at ? At(at) : null, o.Failure, sizes?.GetValueOrDefault(o.File)))], objects.Count == limit ? objects[^1].Id : null);
    }

    /// <summary>Removes an object with all that it stored. Called again, it begins anew.</summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, string name, string type, string id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Manage, $"worker:{name}", cancellation) is { } refused) return refused;
        if (!(await ClassAsync(name, type, cancellation)).TryGet(out var found, out var problem)) return problem;
        if (await _router.FindAsync(found.Serial, cancellation) is null) return Problem.NotFound("durable object", id);
        if (!(await AskAsync(found.Serial, admin => admin.RemoveObjectAsync(found.Key, id, cancellation))).TryGet(out var removed, out problem)) return problem;
        if (!removed) return Problem.NotFound("durable object", id);
        await _audit.WriteAsync(caller, "worker.object.delete", $"worker:{name}", name, new { Class = type, Id = id }, null, cancellation);
        return Done.It;
    }

    private async Task<Result<ClassRow>> ClassAsync(string name, string type, CancellationToken cancellation)
    {
        if (_table.Current.ByName(name) is not { } worker) return Problem.NotFound("worker", name);
        return (await _store.ClassesAsync(worker.Serial, cancellation)).FirstOrDefault(c => c.Name == type) is { } found ? found : Problem.NotFound("class of durable objects", type);
    }

    private async Task<Result<T>> AskAsync<T>(long serial, Func<AdminClient, Task<T>> ask)
    {
        using var admin = new AdminClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null, ConnectCallback = async (_, cancellation) => await _router.ConnectAsync(serial, ObjectLink.Admin, cancellation) });
        try { return await ask(admin); }
        catch (HttpRequestException e) { return (e.InnerException as ProblemException)?.Problem ?? Problem.Unavailable("The durable objects do not answer", $"Their process did not answer: {e.Message} Try again."); }
        catch (ProblemException e) { return e.Problem; }
    }

    private static DateTimeOffset At(double milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds);
}
