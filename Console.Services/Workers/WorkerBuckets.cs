using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Workers.Bindings.Buckets;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>Object storage of workers, in the places of repositories.</summary>
public sealed class WorkerBuckets
{
    /// <summary>Most bytes of a key, in UTF-8.</summary>
    public const int MostKey = BucketObjects.MostKey;

    /// <summary>Most bytes of an object that is put in one piece; one of parts may have more.</summary>
    public const long MostBytes = PartStore.MostBody;

    private const string Kind = "bucket";
    private readonly BucketStore _store;
    private readonly BucketObjects _objects;
    private readonly RepositoryObjectPlaces _places;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal WorkerBuckets(BucketStore store, BucketObjects objects, RepositoryObjectPlaces places, Guard guard, AuditLog audit) => (_store, _objects, _places, _guard, _audit) = (store, objects, places, guard, audit);

    /// <summary>One page by name; the search looks into it.</summary>
    public async Task<Result<Page<WorkerBucket>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, Kind, cancellation) is { } refused) return refused;
        var rows = await _store.ListAsync(page, cancellation);
        var found = new List<WorkerBucket>();
        foreach (var row in rows.Items) found.Add(await DescribeAsync(row, cancellation));
        return new Page<WorkerBucket>(found, rows.Total, rows.Number, rows.Size);
    }

    /// <summary>One bucket.</summary>
    public async Task<Result<WorkerBucket>> GetAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, Target(name), cancellation) is { } refused) return refused;
        return await _store.FindAsync(name, cancellation) is { } row ? await DescribeAsync(row, cancellation) : Problem.NotFound(Kind, name);
    }

    /// <summary>Makes a bucket, or sets the limit of one. That its repository takes objects is tried first.</summary>
    public async Task<Result<WorkerBucket>> PutAsync(Caller caller, string name, NewBucket wanted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageBuckets, Target(name), cancellation) is { } refused) return refused;
        var before = await _store.FindAsync(name, cancellation);
        var errors = new List<FieldError>();
        if (!BindingReader.IsName(name)) errors.Add(new("name", $"'{(name.Length > 80 ? name[..80] + "…" : name)}' is no name of a bucket.", BindingReader.NameRule));
        if (wanted.LimitBytes is <= 0) errors.Add(new("limitBytes", $"{wanted.LimitBytes} is not above 0.", "Give bytes, or leave it out for no limit."));
        if (before is not null && wanted.RepositoryId is { } other && other != before.RepositoryId) errors.Add(new("repositoryId", "Where a bucket lies never changes.", "Make another bucket and copy the objects, or leave it out."));
        if (before is null && wanted.RepositoryId is null) errors.Add(new("repositoryId", "It is missing.", "Name the repository in whose place the objects are to lie."));
        else if (before is null && await _places.NameOfAsync(wanted.RepositoryId!.Value, cancellation) is null) errors.Add(new("repositoryId", $"There is no repository '{wanted.RepositoryId}'.", "Name one of GET /repositories."));
        if (errors.Count > 0) return Problem.Invalid(errors);
        if (before is null && await TriedAsync(wanted.RepositoryId!.Value, cancellation) is { } problem) return problem;
        await _store.PutAsync(name, before?.RepositoryId ?? wanted.RepositoryId!.Value, wanted.LimitBytes, connection => _audit.WriteAsync(connection, caller, before is null ? "bucket.create" : "bucket.change", Target(name), name,
            before is null ? null : new { before.LimitBytes }, new { RepositoryId = before?.RepositoryId ?? wanted.RepositoryId, wanted.LimitBytes }, cancellation), cancellation);
        return await DescribeAsync((await _store.FindAsync(name, cancellation))!, cancellation);
    }

    /// <summary>Deletes an empty bucket.</summary>
    /// <returns>Conflict while it holds objects.</returns>
    public async Task<Result<Done>> DeleteAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageBuckets, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } row) return Problem.NotFound(Kind, name);
        return await _store.DeleteAsync(row, connection => _audit.WriteAsync(connection, caller, "bucket.delete", Target(name), name, new { row.RepositoryId }, null, cancellation), cancellation)
            ? Done.It : Problem.Conflict("The bucket is not empty", $"The bucket '{name}' holds {row.Objects} objects. Delete them first.");
    }

    /// <summary>Keys in the order of their bytes.</summary>
    /// <param name="caller">Who asks; needs <see cref="WorkersPermissions.UseBuckets"/>.</param>
    /// <param name="name">The bucket.</param>
    /// <param name="prefix">What keys begin with; empty for all.</param>
    /// <param name="delimiter">What ends a folder; empty for none.</param>
    /// <param name="after">Where the page before ended; empty for the first.</param>
    /// <param name="most">At most so many, 1 to 1000.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<ObjectListing>> ListObjectsAsync(Caller caller, string name, string prefix, string delimiter, string after, int most, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseBuckets, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } row) return Problem.NotFound(Kind, name);
        var page = await _objects.ListAsync(row, prefix, delimiter, after, Math.Clamp(most, 1, BucketObjects.MostListed), cancellation);
        return new ObjectListing([.. page.Objects.Select(Describe)], page.Folders, page.Last);
    }

    /// <summary>Opens an object; reading is audited.</summary>
    /// <exception cref="ProblemException">While it is read: its repository is away, or a segment is damaged.</exception>
    public async Task<Result<OpenedObject>> OpenAsync(Caller caller, string name, string key, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseBuckets, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } row) return Problem.NotFound(Kind, name);
        if (await _objects.FindAsync(row, key, cancellation) is not { } found) return Problem.NotFound("object", key);
        await _audit.WriteAsync(caller, "bucket.object.read", Target(name), name, null, new { Key = key, found.Bytes }, cancellation);
        return new OpenedObject(Describe(found), _objects.Open(row, found, 0, found.Bytes));
    }

    /// <summary>Which of some keys the bucket has objects of.</summary>
    /// <param name="caller">Who asks; needs <see cref="WorkersPermissions.UseBuckets"/>.</param>
    /// <param name="name">The bucket.</param>
    /// <param name="keys">Keys to look for, at most 1,000.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<IReadOnlyDictionary<string, StoredObject>>> FindObjectsAsync(Caller caller, string name, IReadOnlyList<string> keys, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseBuckets, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } row) return Problem.NotFound(Kind, name);
        var found = new Dictionary<string, StoredObject>();
        foreach (var key in keys.Take(BucketObjects.MostListed))
            if (await _objects.FindAsync(row, key, cancellation) is { } one) found[key] = Describe(one);
        return Result<IReadOnlyDictionary<string, StoredObject>>.From(found);
    }

    /// <summary>Puts an object; its body is read as it comes. What can be told from its size and name alone is refused before the first byte is read.</summary>
    /// <returns>TooLarge for more than one object may have; Conflict when it does not fit into the bucket, or is there and is not to be replaced.</returns>
    public async Task<Result<StoredObject>> PutObjectAsync(Caller caller, string name, NewObject wanted, Stream body, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseBuckets, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } row) return Problem.NotFound(Kind, name);
        var before = await _objects.FindAsync(row, wanted.Key, cancellation);
        if (before is not null && !wanted.Replace) return Taken(name, wanted.Key);
        if (wanted.Bytes > PartStore.MostBody) return Problem.TooLarge($"An object may have at most {PartStore.MostBody} bytes in one piece; this one has {wanted.Bytes}. Let a worker upload it in parts.");
        if (row.LimitBytes is { } limit && wanted.Bytes is { } bytes && row.UsedBytes + bytes - (before?.Bytes ?? 0) > limit)
            return Problem.Conflict("The bucket is full", $"The bucket '{name}' may hold {limit} bytes and holds {row.UsedBytes}: there is no room for {bytes} more. Delete objects, or raise its limit.");
        try
        {
            var options = new PutOptions(new ObjectHttp(wanted.ContentType), OnlyIf: wanted.Replace ? null : new BucketCondition(EtagDoesNotMatch: ["*"]));
            if (!(await _objects.PutAsync(row, wanted.Key, body, options, cancellation)).TryGet(out var put, out var problem)) return problem;
            if (put is null) return Taken(name, wanted.Key); // somebody was quicker
            await _audit.WriteAsync(caller, "bucket.object.put", Target(name), name, before is null ? null : new { wanted.Key, before.Bytes }, new { wanted.Key, put.Bytes }, cancellation);
            return Describe(put);
        }
        catch (RepositoryException e) { return e.Problem; }
    }

    /// <summary>Deletes an object.</summary>
    public async Task<Result<Done>> DeleteObjectAsync(Caller caller, string name, string key, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseBuckets, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } row) return Problem.NotFound(Kind, name);
        if (await _objects.FindAsync(row, key, cancellation) is not { } found) return Problem.NotFound("object", key);
        await _objects.DeleteAsync(row, [key], cancellation);
        await _audit.WriteAsync(caller, "bucket.object.delete", Target(name), name, new { Key = key, found.Bytes }, null, cancellation);
        return Done.It;
    }

    private async Task<Problem?> TriedAsync(Guid repository, CancellationToken cancellation)
    {
        try
        {
            await using var opened = await _places.OpenAsync(repository, cancellation);
            return null;
        }
        catch (RepositoryException e) { return e.Problem; }
    }

    private async Task<WorkerBucket> DescribeAsync(BucketRow row, CancellationToken cancellation) =>
        new(row.Name, row.RepositoryId, await _places.NameOfAsync(row.RepositoryId, cancellation) ?? "forgotten", row.Objects, row.UsedBytes, row.LimitBytes, row.CreatedAt);

    private static StoredObject Describe(BucketObject found) => new(found.Key, found.Bytes, found.Etag, found.Http.ContentType, found.Custom, found.UploadedAt);

    private static Problem Taken(string name, string key) => Problem.Conflict("There is such an object", $"The bucket '{name}' has an object '{key}' already. Replace it, or take another key.");

    private static string Target(string name) => $"{Kind}:{name}";
}
