using Microsoft.AspNetCore.Components;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Schedules;

/// <summary>The schedules, live.</summary>
public sealed partial class SchedulesPage : LiveComponent
{
    private LiveView<Schedule> _schedules = default!;
    private ScheduleDialog _edit = default!;
    private ConfirmDialog _confirm = default!;
    private PageQuery _query = new();
    private IReadOnlyDictionary<string, string> _titles = new Dictionary<string, string>();
    private Problem? _problem;
    private Guid? _operation;
    private bool _manages;

    [Inject] private ScheduleBook Book { get; set; } = default!;
    [Inject] private EventStream<Schedule> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _schedules = View(Stream, (caller, cancellation) => Book.ListAsync(caller, _query, cancellation), moves: (before, after) => before.NextRunAt != after.NextRunAt);
        var caller = await Callers.GetAsync();
        _manages = caller.May(SchedulesPermissions.Manage);
        _titles = Book.Actions(caller).ToDictionary(a => a.Key, a => a.Title);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _query = ListUri.Of(Navigation).ToPageQuery(ScheduleBook.Sorts, sort: "nextRunAt");
        Refresh(_schedules);
    }

    private async Task RunAsync(Schedule schedule)
    {
        var started = await Book.RunAsync(await Callers.GetAsync(), schedule.Id, CancellationToken.None);
        (_operation, _problem) = (started.Ok ? started.Value : null, started.Problem);
    }

    private async Task DeleteAsync(Schedule schedule)
    {
        if (!await _confirm.AskAsync($"Delete schedule {schedule.Name}?", "It starts nothing any more. What it started before stays.", $"Delete {schedule.Name}", danger: true)) return;
        _problem = (await Book.DeleteAsync(await Callers.GetAsync(), schedule.Id, CancellationToken.None)).Problem;
    }
}
