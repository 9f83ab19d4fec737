using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Web.Operations;

/// <summary>REST of operations: <c>/api/v1/operations</c>, and the hub's topic of the same name.</summary>
public static class OperationEndpoints
{
    private const int LogLines = 500;

    /// <summary>Lets clients of the hub follow <c>operations</c>.</summary>
    public static IServiceCollection AddOperationsTopic(this IServiceCollection services) => services.AddLiveTopic<OperationInfo, OperationBody>(
        "operations", OperationPermissions.Read,
        p => (caller, page, cancellation) => p.GetRequiredService<OperationReader>().ListAsync(caller, new OperationQuery(), page, cancellation), OperationBody.Of);

    /// <summary>Maps them.</summary>
    public static void MapOperations(this RouteGroupBuilder api)
    {
        var operations = api.MapGroup("/operations").WithTags("Operations");
        operations.MapGet("", ListAsync).Needs(OperationPermissions.Read).Answers<Listing<OperationBody>>("List operations, newest first")
            .TakesQuery("state", "One state or several, separated by commas: queued, running, succeeded, warning, failed, cancelled, lost.")
            .TakesQuery("kind", "A kind, such as vm.create.")
            .TakesQuery("target", "An object, kind:id; or a kind alone, such as vm, for all of its objects.")
            .TakesQuery("parent", "The id of an operation: its parts.");
        operations.MapGet("/{id:guid}", GetAsync).Needs(OperationPermissions.Read).Answers<OperationBody>("Show an operation");
        operations.MapGet("/{id:guid}/log", LogAsync).Needs(OperationPermissions.Read).Answers<LogBody>("Read an operation's log")
            .TakesQuery("after", "The number of the last line that is known; 0 or nothing for the beginning.");
        operations.MapPost("/{id:guid}/actions/cancel", CancelAsync).Needs(OperationPermissions.Read).AnswersOperation("Cancel an operation and its parts");
        operations.MapPost("/{id:guid}/actions/retry", RetryAsync).Needs(OperationPermissions.Read).AnswersOperation("Run a failed, cancelled or lost operation again");
    }

    /// <summary>The filters of a list, from REST or a page's address.</summary>
    public static Result<OperationQuery> Filters(string? state, string? kind, string? target, string? parent)
    {
        var states = new List<OperationState>();
        foreach (var word in (state ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Enum.TryParse<OperationState>(word, ignoreCase: true, out var known) || !char.IsLetter(word[0]))
                return Problem.Invalid("state", $"There is no state '{word}'.", $"Use {string.Join(", ", Enum.GetNames<OperationState>()).ToLowerInvariant()}; several are separated by commas.");
            states.Add(known);
        }
        Guid? above = null;
        if (parent is { Length: > 0 })
        {
            if (!Guid.TryParse(parent, out var id)) return Problem.Invalid("parent", $"'{parent}' is not the id of an operation.", "Send an id as GET /operations shows it.");
            above = id;
        }
        return new OperationQuery { States = states, Kind = Text(kind), Target = Text(target), Parent = above };
    }

    private static string? Text(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();

    private static async Task<IResult> ListAsync(HttpContext http, ListQuery list, OperationReader operations, CancellationToken cancellation)
    {
        var query = http.Request.Query;
        if (!Filters(query["state"], query["kind"], query["target"], query["parent"]).TryGet(out var filters, out var problem)
            || !list.Page(OperationReader.Sorts).TryGet(out var page, out problem)) return problem.ToHttp();
        return (await operations.ListAsync(CallerAccessor.FromHttp(http), filters, page, cancellation)).ToList(OperationBody.Of);
    }

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, OperationReader operations, CancellationToken cancellation) =>
        (await operations.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk(OperationBody.Of);

    private static async Task<IResult> LogAsync(Guid id, HttpContext http, OperationReader operations, CancellationToken cancellation)
    {
        var text = http.Request.Query["after"].ToString();
        long after = 0;
        if (text.Length > 0 && (!long.TryParse(text, out after) || after < 0))
            return Problem.Invalid("after", $"'{text}' is not the number of a line.", "Send the 'after' of the last answer, or leave it out.").ToHttp();
        return (await operations.LogAsync(CallerAccessor.FromHttp(http), id, after, LogLines, cancellation)).ToOk(lines =>
            new LogBody([.. lines.Select(l => new LogLineBody(l.Number, l.At, l.Level, l.Text))], lines.Count == 0 ? after : lines[^1].Number));
    }

    private static async Task<IResult> CancelAsync(Guid id, HttpContext http, OperationQueue queue, CancellationToken cancellation) =>
        (await queue.CancelAsync(CallerAccessor.FromHttp(http), id, cancellation)).Then(_ => id).ToAccepted();

    private static async Task<IResult> RetryAsync(Guid id, HttpContext http, OperationQueue queue, CancellationToken cancellation) =>
        (await queue.RetryAsync(CallerAccessor.FromHttp(http), id, cancellation)).Then(_ => id).ToAccepted();
}
