using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>One worker, live.</summary>
public sealed partial class WorkerPage : LiveComponent
{
    private LiveView<Worker> _view = default!;
    private ConfirmDialog _confirm = default!;
    private Problem? _problem;
    private string? _shown, _done;
    private bool _deploys, _manages, _follows, _audits, _busy;
    private IReadOnlyList<Tab> _tabs = [new("overview", "Overview")];

    [Inject] private WorkerRegistry Registry { get; set; } = default!;
    [Inject] private WorkerDeployments Deployments { get; set; } = default!;
    [Inject] private EventStream<Worker> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The worker's name.</summary>
    [Parameter] public string Name { get; set; } = "";

    /// <summary>The chosen tab.</summary>
    [SupplyParameterFromQuery] private string? Tab { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _view = ViewOne(Stream, () => _view.Item is { } shown ? Stream.KeyOf(shown) : "", (caller, cancellation) => Registry.GetAsync(caller, Name, cancellation));
        var caller = await Callers.GetAsync();
        (_deploys, _manages) = (caller.May(WorkersPermissions.Deploy), caller.May(WorkersPermissions.Manage));
        (_follows, _audits) = (caller.May(WorkersPermissions.Logs), caller.May(AccessPermissions.ReadAudit));
        _tabs =
        [
            new("overview", "Overview"), new("versions", "Versions"), .. Only(_deploys, new Tab("test", "Test request")), .. Only(_follows, new Tab("log", "Live log")),
            new("objects", "Objects"), new("settings", "Settings"), new("operations", "Operations"), .. Only(_audits, new Tab("audit", "Audit")),
        ];
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_shown == Name) return;
        (_shown, _problem, _done) = (Name, null, null);
        Refresh(_view);
    }

    private Task RollBackAsync() => DoAsync(async caller =>
    {
        var back = await Deployments.RollBackAsync(caller, Name, CancellationToken.None);
        if (back.Ok) _done = $"{WorkerWords.Split(back.Value)} answers now.";
        return back.Problem;
    });

    private async Task DeleteAsync()
    {
        if (!await _confirm.AskAsync($"Delete worker {Name}?", "Its versions, deployments and routes go with it, and requests to them are answered 404. Its zones stay.", $"Delete {Name}", danger: true)) return;
        await DoAsync(async caller => (await Registry.DeleteAsync(caller, Name, CancellationToken.None)).Problem);
        if (_problem is null) Navigation.NavigateTo("workers");
    }

    private async Task DoAsync(Func<Caller, Task<Problem?>> action)
    {
        if (_busy) return;
        (_busy, _done) = (true, null);
        try { _problem = await action(await Callers.GetAsync()); }
        finally { _busy = false; }
    }

    private static Tab[] Only(bool allowed, Tab tab) => allowed ? [tab] : [];
}
