using System.Globalization;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Schedules;

/// <summary>Something that may be scheduled, as REST shows it.</summary>
/// <param name="Key">What schedules name as their action.</param>
/// <param name="Title">For people.</param>
/// <param name="Allowed">Whether the caller may schedule it.</param>
public sealed record ActionBody(string Key, string Title, bool Allowed);

/// <summary>REST of schedules: <c>/api/v1/schedules</c>.</summary>
internal static class ScheduleEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static void MapSchedules(this RouteGroupBuilder api)
    {
        var schedules = api.MapGroup("/schedules").WithTags("Schedules");
        schedules.MapGet("", ListAsync).Needs(SchedulesPermissions.Read).Answers<Listing<Schedule>>("List schedules");
        schedules.MapPost("", AddAsync).Needs(SchedulesPermissions.Manage).Produces<Schedule>(201).WithSummary("Add a schedule")
            .WithDescription("cron has the five fields of crontab(5); timeZone is an IANA name. A run that falls into a blackout starts at its end; runs that were missed are caught up by one.");
        schedules.MapGet("/actions", Actions).Needs(SchedulesPermissions.Read).Answers<IReadOnlyList<ActionBody>>("List what may be scheduled");
        schedules.MapGet("/upcoming", UpcomingAsync).Needs(SchedulesPermissions.Read).Answers<IReadOnlyList<UpcomingRun>>("List the runs to come")
            .TakesQuery("until", "A time within the next 366 days; a week from now when left out.");
        schedules.MapGet("/{id:guid}", GetAsync).Needs(SchedulesPermissions.Read).Answers<Schedule>("Show a schedule");
        schedules.MapPut("/{id:guid}", ReplaceAsync).Needs(SchedulesPermissions.Manage).Answers<Schedule>("Replace a schedule");
        schedules.MapDelete("/{id:guid}", DeleteAsync).Needs(SchedulesPermissions.Manage).Produces(204).WithSummary("Delete a schedule").WithDescription("Operations that it started go on.");
        schedules.MapPost("/{id:guid}/actions/run", RunAsync).Needs(SchedulesPermissions.Manage).AnswersOperation("Run a schedule now; when it runs next stays");
    }

    private static async Task<IResult> ListAsync(ListQuery list, HttpContext http, ScheduleBook book, CancellationToken cancellation) =>
        list.Page(ScheduleBook.Sorts).TryGet(out var page, out var problem) ? (await book.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : problem.ToHttp();

    private static async Task<IResult> AddAsync(JsonBody<NewSchedule> body, HttpContext http, ScheduleBook book, CancellationToken cancellation) =>
        (await body.ReadAsync(cancellation)).TryGet(out var schedule, out var problem)
            ? (await book.AddAsync(CallerAccessor.FromHttp(http), schedule, cancellation)).ToCreated(s => $"/schedules/{s.Id}", s => s)
            : problem.ToHttp();

    private static IResult Actions(HttpContext http, ScheduleBook book) =>
        TypedResults.Ok<IReadOnlyList<ActionBody>>([.. book.Actions(CallerAccessor.FromHttp(http)).Select(a => new ActionBody(a.Key, a.Title, a.Allowed))]);

    private static async Task<IResult> UpcomingAsync(HttpContext http, ScheduleBook book, TimeProvider time, CancellationToken cancellation)
    {
        var text = http.Request.Query["until"].ToString();
        var until = time.GetUtcNow().AddDays(7);
        if (text.Length > 0 && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out until))
            return Problem.Invalid("until", $"'{text}' is not a time.", "Send a time such as 2026-11-22T21:00:00Z.").ToHttp();
        return (await book.UpcomingAsync(CallerAccessor.FromHttp(http), until, cancellation)).ToOk();
    }

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, ScheduleBook book, CancellationToken cancellation) =>
        (await book.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> ReplaceAsync(Guid id, JsonBody<NewSchedule> body, HttpContext http, ScheduleBook book, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await book.GetAsync(caller, id, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var schedule, out var problem) ? (await book.ReplaceAsync(caller, id, schedule, cancellation)).ToOk() : problem.ToHttp();
    }

    private static async Task<IResult> DeleteAsync(Guid id, HttpContext http, ScheduleBook book, CancellationToken cancellation) =>
        (await book.DeleteAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent();

    private static async Task<IResult> RunAsync(Guid id, HttpContext http, ScheduleBook book, CancellationToken cancellation) =>
        (await book.RunAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToAccepted();
}
