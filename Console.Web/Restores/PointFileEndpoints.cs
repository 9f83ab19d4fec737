using Microsoft.Net.Http.Headers;
using Quarterdeck.Platform;
using Quarterdeck.Restores;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Restores;

/// <summary>REST of the files in recovery points: <c>/api/v1/recovery-points/{id}/volumes</c> and <c>…/files</c>; and the download that pages link to.</summary>
internal static class PointFileEndpoints
{
    private const string Copies = "Which repository is meant, for a point that was copied and is in several.";
    private const string Volume = "A volume's id, as GET /recovery-points/{id}/volumes lists it.";
    private const string Path = "From the volume's root, such as /etc; / when left out. Bytes that are no text are written \\xNN, a backslash \\\\.";

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapPointFiles(this IEndpointRouteBuilder api)
    {
        var points = api.MapGroup("/recovery-points/{id:guid}").WithTags("Recovery points");
        points.MapGet("/volumes", VolumesAsync).Needs(RestoresPermissions.Files).Answers<PointVolumes>("List the file systems on a recovery point's disks")
            .WithDescription("The first look starts a throw-away VM that alone reads them, which takes some seconds; unused it ends by itself.").TakesQuery("repositoryId", Copies);
        points.MapGet("/files", ListAsync).Needs(RestoresPermissions.Files).Answers<FolderListing>("List a folder of a recovery point")
            .WithDescription("Folders first, then by name; sorts by name, size or modifiedAt. search looks for a part of the name, with below=true in all folders below as well. Links are shown, never followed.")
            .TakesQuery("volume", Volume).TakesQuery("path", Path).TakesQuery("below", "Whether a search looks into all folders below.").TakesQuery("repositoryId", Copies);
        points.MapGet("/files/content", DownloadAsync).Needs(RestoresPermissions.Files).WithSummary("Download a file of a recovery point, or a folder as a tar archive")
            .Produces(StatusCodes.Status200OK, contentType: "application/octet-stream", additionalContentTypes: "application/x-tar")
            .WithDescription("Each download is in the audit log. What cannot be read is left out of an archive and named in its last entry, FOLDER.LEFT-OUT.txt.")
            .TakesQuery("volume", Volume).TakesQuery("path", Path).TakesQuery("repositoryId", Copies);
        points.MapDelete("/files", CloseAsync).Needs(RestoresPermissions.Files).AnswersNothing("End the VM that reads a recovery point's files");
        return api;
    }

    /// <summary>Maps what pages link to: the same download for the login cookie.</summary>
    public static void MapPointDownload(this IEndpointRouteBuilder pages) =>
        pages.MapGet("/recovery-points/{id:guid}/content", DownloadAsync).RequireAuthorization(AccessPolicies.Page).Needs(RestoresPermissions.Files).ExcludeFromDescription();

    private static async Task<IResult> VolumesAsync(Guid id, HttpContext http, PointFiles files, CancellationToken cancellation) =>
        (await files.VolumesAsync(CallerAccessor.FromHttp(http), id, Repository(http), cancellation)).ToOk();

    private static async Task<IResult> ListAsync(Guid id, ListQuery list, HttpContext http, PointFiles files, CancellationToken cancellation) =>
        list.Page(PointFiles.Sorts).TryGet(out var page, out var problem) ? (await files.ListAsync(CallerAccessor.FromHttp(http), Query(id, http), page, cancellation)).ToOk() : problem.ToHttp();

    private static async Task<IResult> CloseAsync(Guid id, HttpContext http, PointFiles files, CancellationToken cancellation) =>
        (await files.CloseAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent();

    private static async Task<IResult> DownloadAsync(Guid id, HttpContext http, PointFiles files, CancellationToken cancellation)
    {
        if (!(await files.DownloadAsync(CallerAccessor.FromHttp(http), Query(id, http), cancellation)).TryGet(out var download, out var problem)) return problem.ToHttp();
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(download.Name);
        var response = http.Response;
        // What a guest wrote is never shown by a browser, whatever it pretends to be.
        (response.Headers.ContentDisposition, response.Headers.XContentTypeOptions, response.ContentLength) = (disposition.ToString(), "nosniff", download.Length);
        (response.ContentType, response.Headers.CacheControl) = (download.Length is null ? "application/x-tar" : "application/octet-stream", "no-store");
        response.GetTypedHeaders().LastModified = download.ModifiedAt;
        try { await download.SendAsync(response.Body, cancellation); }
        catch (ProblemException e) when (!response.HasStarted)
        {
            response.Clear();
            return e.Problem.ToHttp();
        }
        catch (ProblemException) { http.Abort(); } // the client sees that it is incomplete
        return TypedResults.Empty;
    }

    private static FolderQuery Query(Guid id, HttpContext http)
    {
        var query = http.Request.Query;
        return new FolderQuery(id, query["volume"].ToString(), query["path"].ToString() is { Length: > 0 } path ? path : "/", Repository(http), query["below"].ToString() is "true" or "1");
    }

    private static Guid? Repository(HttpContext http) => Guid.TryParse(http.Request.Query["repositoryId"], out var id) ? id : null;
}
