using Microsoft.AspNetCore.Components;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>The workers, live; what they did in the last minute is read again every few seconds.</summary>
public sealed partial class WorkersPage : LiveComponent
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);
    private LiveView<Worker> _workers = default!;
    private PageQuery _query = new();
    private IReadOnlyDictionary<long, WorkerWindow> _lately = new Dictionary<long, WorkerWindow>();
    private ITimer? _timer;
    private bool _deploys;

    [Inject] private WorkerRegistry Registry { get; set; } = default!;
    [Inject] private WorkerHistory History { get; set; } = default!;
    [Inject] private ComputeServers Servers { get; set; } = default!;
    [Inject] private EventStream<Worker> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;
    [Inject] private TimeProvider Clock { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _workers = View(Stream, ReadAsync);
        _deploys = (await Callers.GetAsync()).May(WorkersPermissions.Deploy);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _query = ListUri.Of(Navigation).ToPageQuery(["name", "tier", "changedAt", "createdAt"], sort: "name");
        Refresh(_workers);
    }

    /// <inheritdoc/>
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _timer = Clock.CreateTimer(_ => _ = InvokeAsync(LookAsync), null, Beat, Beat);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (_timer is not null) await _timer.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task<Result<Page<Worker>>> ReadAsync(Quarterdeck.Access.Caller caller, CancellationToken cancellation)
    {
        var page = await Registry.ListAsync(caller, _query, cancellation);
        if (page.Ok) await FiguresAsync(caller, page.Value, cancellation);
        return page;
    }

    private async Task LookAsync()
    {
        if (_workers.Page is not { } page) return;
        // Figures are an extra: the rows say themselves when they cannot be read.
        try { await FiguresAsync(await Callers.GetAsync(), page, CancellationToken.None); }
        catch (ProblemException) { return; }
        StateHasChanged();
    }

    private async Task FiguresAsync(Quarterdeck.Access.Caller caller, Page<Worker> page, CancellationToken cancellation)
    {
        if ((await History.LatelyAsync(caller, [.. page.Items.Select(w => w.Serial)], cancellation)).TryGet(out var lately, out _)) _lately = lately;
    }
}
