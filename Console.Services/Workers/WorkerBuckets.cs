using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Workers.Bindings.Buckets;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>Object storage of workers, in the places of repositories.</summary>
public sealed class WorkerBuckets
{
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

    /// <summary>Puts an object; its body is read as it comes.</summary>
    public async Task<Result<StoredObject>> PutObjectAsync(Caller caller, string name, string key, string? contentType, Stream body, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseBuckets, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is not { } row) return Problem.NotFound(Kind, name);
        try
        {
            if (!(await _objects.PutAsync(row, key, body, new PutOptions(new ObjectHttp(contentType)), cancellation)).TryGet(out var put, out var problem)) return problem;
            await _audit.WriteAsync(caller, "bucket.object.put", Target(name), name, null, new { Key = key, put!.Bytes }, cancellation);
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

    private static string Target(string name) => $"{Kind}:{name}";
}
