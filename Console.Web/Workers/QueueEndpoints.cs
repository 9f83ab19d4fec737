using System.Globalization;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Messages to send.</summary>
/// <param name="Messages">1 to 100.</param>
internal sealed record SendMessages(IReadOnlyList<SentMessage>? Messages);

/// <summary>REST of queues: <c>/api/v1/queues</c>.</summary>
internal static class QueueEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapQueues(this IEndpointRouteBuilder api)
    {
        var queues = api.MapGroup("/queues").WithTags("Queues");
        queues.MapGet("", ListAsync).Needs(WorkersPermissions.Read).Answers<Listing<WorkerQueue>>("List queues with what they hold").WithDescription("Sorts by name; searches in it.");
        queues.MapGet("/{name}", GetAsync).Needs(WorkersPermissions.Read).Answers<WorkerQueue>("Read a queue with what it holds now");
        queues.MapPut("/{name}", PutAsync).Needs(WorkersPermissions.ManageQueues).Answers<WorkerQueue>("Make a queue, or change its settings");
        queues.MapDelete("/{name}", DeleteAsync).Needs(WorkersPermissions.ManageQueues).AnswersNothing("Delete a queue with its messages; refused while a worker consumes it");
        queues.MapGet("/{name}/messages", PeekAsync).Needs(WorkersPermissions.UseQueues).Answers<IReadOnlyList<QueuedMessage>>("Look at the messages whose turn comes first; none is taken")
            .TakesQuery("most", "How many, 1 to 200; 50 when absent.");
        queues.MapPost("/{name}/messages", SendAsync).Needs(WorkersPermissions.UseQueues).Answers<WorkerQueue>("Send messages; they are stored for good when this answers");
        queues.MapPost("/{name}/actions/pause", (string name, HttpContext http, WorkerQueues all, CancellationToken c) => PauseAsync(name, true, http, all, c))
            .Needs(WorkersPermissions.UseQueues).Answers<WorkerQueue>("Hold messages back");
        queues.MapPost("/{name}/actions/resume", (string name, HttpContext http, WorkerQueues all, CancellationToken c) => PauseAsync(name, false, http, all, c))
            .Needs(WorkersPermissions.UseQueues).Answers<WorkerQueue>("Hand messages out again");
        queues.MapPost("/{name}/actions/purge", PurgeAsync).Needs(WorkersPermissions.ManageQueues).Answers<WorkerQueue>("Remove every message");
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, WorkerQueues queues, CancellationToken cancellation) =>
        list.Page("name").TryGet(out var page, out var problem) ? (await queues.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> GetAsync(string name, HttpContext http, WorkerQueues queues, CancellationToken cancellation) =>
        (await queues.GetAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();

    private static async Task<IResult> PutAsync(string name, JsonBody<QueueSettings> body, HttpContext http, WorkerQueues queues, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem) ? (await queues.PutAsync(CallerAccessor.FromHttp(http), name, wanted, cancellation)).ToOk() : problem.ToHttp();

    private static async Task<IResult> DeleteAsync(string name, HttpContext http, WorkerQueues queues, CancellationToken cancellation) =>
        (await queues.DeleteAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToNoContent();

    private static async Task<IResult> PauseAsync(string name, bool paused, HttpContext http, WorkerQueues queues, CancellationToken cancellation) =>
        (await queues.PauseAsync(CallerAccessor.FromHttp(http), name, paused, cancellation)).ToOk();

    private static async Task<IResult> PurgeAsync(string name, HttpContext http, WorkerQueues queues, CancellationToken cancellation) =>
        (await queues.PurgeAsync(CallerAccessor.FromHttp(http), name, cancellation)).ToOk();

    private static async Task<IResult> SendAsync(string name, JsonBody<SendMessages> body, HttpContext http, WorkerQueues queues, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await queues.GetAsync(caller, name, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem) ? (await queues.SendAsync(caller, name, wanted.Messages ?? [], cancellation)).ToOk() : problem.ToHttp();
    }

    private static async Task<IResult> PeekAsync(string name, HttpContext http, WorkerQueues queues, CancellationToken cancellation)
    {
        var most = 50;
        if (http.Request.Query["most"].ToString() is { Length: > 0 } text && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out most) && most is >= 1 and <= 200))
            return Problem.Invalid("most", $"'{text}' is no number from 1 to 200.", "Send most=50, or leave it out.").ToHttp();
        return (await queues.PeekAsync(CallerAccessor.FromHttp(http), name, most, cancellation)).ToOk();
    }
}
