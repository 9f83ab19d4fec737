using System.Globalization;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>REST of looking at workers: <c>/workers/{name}/logs</c>, <c>/workers/{name}/figures</c>, <c>/workers/{name}/trials</c>, <c>/compute-servers</c>.</summary>
internal static class WatchEndpoints
{
    /// <summary>Adds what they need.</summary>
    public static IServiceCollection AddWorkerWatching(this IServiceCollection services) => services.AddSingleton<TailStream>();

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapWorkerWatching(this IEndpointRouteBuilder api)
    {
        var workers = api.MapGroup("/workers/{name}").WithTags("Workers");
        workers.MapGet("/logs", LogsAsync).Needs(WorkersPermissions.Logs).WithSummary("Follow what a worker logs, as server-sent events")
            .WithDescription("Each event 'run' is one run: trigger, request, outcome, status, cpuMs, wallMs, console lines and exceptions; 'lost' counts runs that were left out because this client or the console was too slow. Nothing is kept: what happens from now on is told.")
            .Produces<TailEvent>(StatusCodes.Status200OK, "text/event-stream")
            .TakesQuery("version", "Only this version.").TakesQuery("outcome", "good or failed.").TakesQuery("level", "Runs with a line of at least this level: debug, log, info, warn, error.")
            .TakesQuery("method", "Only this request method.").TakesQuery("status", "A status such as 404, or a class such as 5.").TakesQuery("search", "Text in URL, lines or exceptions.");
        workers.MapGet("/figures", FiguresAsync).Needs(WorkersPermissions.Read).Answers<FigureSeries>("Read what a worker did over time")
            .TakesQuery("range", "hour, day, week or month.").TakesQuery("version", "Only this version.");
        workers.MapPost("/trials", TrialAsync).Needs(WorkersPermissions.Deploy).Answers<TrialAnswer>("Send one request to a worker past its zones, and read what it answered and logged");
        api.MapGet("/compute-servers", ServersAsync).Needs(WorkersPermissions.Read).Answers<Listing<ComputeServerInfo>>("List the compute servers of all nodes").WithTags("Workers");
        return api;
    }

    /// <summary>The filter of a log, or what is wrong with it.</summary>
    public static Result<TailFilter> Filter(IQueryCollection query)
    {
        var errors = new List<FieldError>();
        bool? failed = query["outcome"].ToString() switch { "" => null, "good" => false, "failed" => true, _ => Wrong<bool>("outcome", "It is good or failed.", "Send outcome=failed.") };
        TailLevel? level = query["level"].ToString() is not { Length: > 0 } word ? null
            : Enum.TryParse<TailLevel>(word, ignoreCase: true, out var known) && char.IsLetter(word[0]) ? known : Wrong<TailLevel>("level", $"There is no level '{word}'.", "Send debug, log, info, warn or error.");
        var filter = new TailFilter(Number("version"), failed, level, Text("method"), Number("status"), Text("search"));
        return errors.Count > 0 ? Problem.Invalid(errors) : filter;

        string? Text(string key) => query[key].ToString() is { Length: > 0 } text ? text : null;

        int? Number(string key) => Text(key) is not { } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : Wrong<int>(key, $"'{text}' is no number.", $"Send {key}=1.");

        T? Wrong<T>(string key, string message, string remedy) where T : struct
        {
            errors.Add(new(key, message, remedy));
            return null;
        }
    }

    private static async Task<IResult> LogsAsync(string name, HttpContext http, WorkerLogs logs, TailStream stream, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if (!Filter(http.Request.Query).TryGet(out var filter, out var problem)) return problem.ToHttp();
        if (!(await logs.WatchAsync(caller, name, filter, cancellation)).TryGet(out var watch, out problem)) return problem.ToHttp();
        using (watch) await stream.WriteAsync(http, caller, watch, cancellation);
        return TypedResults.Empty;
    }

    private static async Task<IResult> FiguresAsync(string name, HttpContext http, WorkerHistory history, CancellationToken cancellation)
    {
        var query = http.Request.Query;
        var range = FigureRange.Hour;
        if (query["range"].ToString() is { Length: > 0 } word && !(char.IsLetter(word[0]) && Enum.TryParse(word, ignoreCase: true, out range)))
            return Problem.Invalid("range", $"There is no range '{word}'.", "Send hour, day, week or month.").ToHttp();
        int? version = null;
        if (query["version"].ToString() is { Length: > 0 } text)
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return Problem.Invalid("version", $"'{text}' is no version.", "Send version=1, or leave it out.").ToHttp();
            version = number;
        }
        return (await history.ReadAsync(CallerAccessor.FromHttp(http), name, version, range, cancellation)).ToOk();
    }

    private static async Task<IResult> TrialAsync(string name, JsonBody<Trial> body, HttpContext http, WorkerRegistry workers, WorkerTrials trials, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await workers.GetAsync(caller, name, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var trial, out var problem) ? (await trials.SendAsync(caller, name, trial, cancellation)).ToOk() : problem.ToHttp();
    }

    private static async Task<IResult> ServersAsync(ListQuery list, HttpContext http, ComputeNodes nodes, CancellationToken cancellation)
    {
        if (!list.Page("id").TryGet(out var page, out var problem)) return problem.ToHttp();
        if (!(await nodes.ListAsync(CallerAccessor.FromHttp(http), cancellation)).TryGet(out var found, out problem)) return problem.ToHttp();
        var all = found.Servers.Where(s => page.Search is null || s.Id.Contains(page.Search, StringComparison.OrdinalIgnoreCase) || s.Node.Contains(page.Search, StringComparison.OrdinalIgnoreCase)).ToList();
        if (page.Sort == "-id") all.Reverse();
        return ((Result<Page<ComputeServerInfo>>)new Page<ComputeServerInfo>([.. all.Skip(page.Offset).Take(page.Size)], all.Count, page.Number, page.Size)).ToList();
    }
}
