using System.Globalization;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>REST of durable objects: <c>/api/v1/workers/{name}/objects</c>.</summary>
internal static class ObjectEndpoints
{
    /// <summary>Maps them on the group <c>/workers</c>.</summary>
    public static void MapObjects(this RouteGroupBuilder workers)
    {
        workers.MapGet("/{name}/objects", GetAsync).Needs(WorkersPermissions.Read).Answers<ObjectReport>("Read a worker's classes of durable objects, with the node that has them");
        workers.MapGet("/{name}/objects/{type}", ListAsync).Needs(WorkersPermissions.Read).Answers<ObjectSlice>("List the durable objects of a class by their ids")
            .TakesQuery("after", "The id after which to begin: 'next' of the answer before.").TakesQuery("limit", "1 to 500; 100 when absent.");
        workers.MapDelete("/{name}/objects/{type}/{id}", DeleteAsync).Needs(WorkersPermissions.Manage).AnswersNothing("Delete a durable object with all that it stored");
    }

    private static async Task<IResult> GetAsync(string name, HttpContext http, WorkerObjects objects, CancellationToken cancellation) =>
        (await objects.GetAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();

    private static async Task<IResult> ListAsync(string name, string type, HttpContext http, WorkerObjects objects, CancellationToken cancellation)
    {
        var limit = 100;
        if (http.Request.Query["limit"].ToString() is { Length: > 0 } text && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit))
            return Problem.Invalid("limit", $"'{text}' is no number.", "Send limit=100, or leave it out.").ToHttp();
        return (await objects.ListAsync(CallerAccessor.FromHttp(http), name, type, http.Request.Query["after"], limit, cancellation)).ToOk();
    }

    private static async Task<IResult> DeleteAsync(string name, string type, string id, HttpContext http, WorkerObjects objects, CancellationToken cancellation) =>
        (await objects.DeleteAsync(CallerAccessor.FromHttp(http), name, type, id, cancellation)).ToNoContent();
}
