using System.Globalization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>REST of object storage: <c>/api/v1/buckets</c>.</summary>
internal static class BucketEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapBuckets(this IEndpointRouteBuilder api)
    {
        var buckets = api.MapGroup("/buckets").WithTags("Buckets");
        buckets.MapGet("", ListAsync).Needs(WorkersPermissions.Read).Answers<Listing<WorkerBucket>>("List buckets").WithDescription("Sorts by name; searches in it.");
        buckets.MapGet("/{name}", GetAsync).Needs(WorkersPermissions.Read).Answers<WorkerBucket>("Read a bucket with what it holds");
        buckets.MapPut("/{name}", PutAsync).Needs(WorkersPermissions.ManageBuckets).Answers<WorkerBucket>("Make a bucket in a repository's place, or set its limit");
        buckets.MapDelete("/{name}", DeleteAsync).Needs(WorkersPermissions.ManageBuckets).AnswersNothing("Delete an empty bucket");
        buckets.MapGet("/{name}/objects", ObjectsAsync).Needs(WorkersPermissions.UseBuckets).Answers<ObjectListing>("List objects in the order of their keys")
            .TakesQuery("prefix", "What keys begin with.").TakesQuery("delimiter", "What ends a folder, such as /.").TakesQuery("after", "'next' of the page before.").TakesQuery("most", "How many, 1 to 1000; 1000 when absent.");
        buckets.MapGet("/{name}/object", ReadAsync).Needs(WorkersPermissions.UseBuckets).WithSummary("Read an object's content").Produces(StatusCodes.Status200OK, contentType: "application/octet-stream").WithDescription("Each read is in the audit log.").TakesQuery("key", "The object's key.");
        buckets.MapPut("/{name}/object", WriteAsync).Needs(WorkersPermissions.UseBuckets).Answers<StoredObject>("Put an object: its content is the body, of any type and length").TakesQuery("key", "The object's key.")
            .WithDescription("With the header If-None-Match: * an object that is there stays, and the answer is 409.");
        buckets.MapDelete("/{name}/object", RemoveAsync).Needs(WorkersPermissions.UseBuckets).AnswersNothing("Delete an object").TakesQuery("key", "The object's key.");
        return api;
    }

    /// <summary>Maps what the page links and sends to: the same content for the login cookie, past the circuit.</summary>
    public static void MapObjectContent(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/buckets/{name}/content", ReadAsync).RequireAuthorization(AccessPolicies.Page).Needs(WorkersPermissions.UseBuckets).ExcludeFromDescription();
        pages.MapPut("/buckets/{name}/content", WriteAsync).RequireAuthorization(AccessPolicies.Page).DisableAntiforgery().RefusesForgery().Needs(WorkersPermissions.UseBuckets).ExcludeFromDescription();
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation) =>
        list.Page("name").TryGet(out var page, out var problem) ? (await buckets.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> GetAsync(string name, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation) =>
        (await buckets.GetAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();

    private static async Task<IResult> PutAsync(string name, JsonBody<NewBucket> body, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem) ? (await buckets.PutAsync(CallerAccessor.FromHttp(http), name, wanted, cancellation)).ToOk() : problem.ToHttp();

    private static async Task<IResult> DeleteAsync(string name, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation) =>
        (await buckets.DeleteAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToNoContent();

    private static async Task<IResult> ObjectsAsync(string name, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation)
    {
        var (query, most) = (http.Request.Query, 1000);
        if (query["most"].ToString() is { Length: > 0 } text && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out most) && most is >= 1 and <= 1000))
            return Problem.Invalid("most", $"'{text}' is no number from 1 to 1000.", "Send most=100, or leave it out.").ToHttp();
        return (await buckets.ListObjectsAsync(CallerAccessor.FromHttp(http), name, query["prefix"].ToString(), query["delimiter"].ToString(), query["after"].ToString(), most, cancellation)).ToOk();
    }

    private static async Task<IResult> ReadAsync(string name, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation)
    {
        if (Key(http) is not { } key) return NoKey;
        if (!(await buckets.OpenAsync(CallerAccessor.FromHttp(http), name, key, cancellation)).TryGet(out var opened, out var problem)) return problem.ToHttp();
        await using (opened)
        {
            var response = http.Response;
            var disposition = new ContentDispositionHeaderValue("attachment");
            disposition.SetHttpFileName(key[(key.LastIndexOf('/') + 1)..]);
            // What a worker or its visitors put is never shown by a browser, whatever it pretends to be.
            (response.Headers.ContentDisposition, response.Headers.XContentTypeOptions, response.Headers.CacheControl) = (disposition.ToString(), "nosniff", "no-store");
            (response.ContentType, response.ContentLength, response.Headers.ETag) = ("application/octet-stream", opened.Object.Bytes, $"\"{opened.Object.Etag}\"");
            try { await opened.Content.CopyToAsync(response.Body, cancellation); }
            catch (ProblemException e) when (!response.HasStarted)
            {
                response.Clear();
                return e.Problem.ToHttp();
            }
            catch (ProblemException) { http.Abort(); } // the client sees that it is incomplete
        }
        return TypedResults.Empty;
    }

    private static async Task<IResult> WriteAsync(string name, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation)
    {
        if (Key(http) is not { } key) return NoKey;
        var caller = CallerAccessor.FromHttp(http);
        if ((await buckets.GetAsync(caller, name, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null; // the store has its own
        var wanted = new NewObject(key, http.Request.ContentType, http.Request.ContentLength, Replace: http.Request.Headers.IfNoneMatch != "*");
        return (await buckets.PutObjectAsync(caller, name, wanted, http.Request.Body, cancellation)).ToOk();
    }

    private static async Task<IResult> RemoveAsync(string name, HttpContext http, WorkerBuckets buckets, CancellationToken cancellation) =>
        Key(http) is { } key ? (await buckets.DeleteObjectAsync(CallerAccessor.FromHttp(http), name, key, cancellation)).ToNoContent() : NoKey;

    private static string? Key(HttpContext http) => http.Request.Query["key"].ToString() is { Length: > 0 } key ? key : null;

    private static IResult NoKey => Problem.Invalid("key", "It is missing.", "Send ?key=… with the object's key.").ToHttp();
}
