using Microsoft.AspNetCore.Components;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>The zones, live.</summary>
public sealed partial class ZonesPage : LiveComponent
{
    private LiveView<Zone> _zones = default!;
    private PageQuery _query = new();
    private Problem? _problem;
    private IReadOnlyList<(string, string)> _workers = [];
    private string _hostname = "", _pattern = "/*", _worker = "";
    private bool _manages, _adds, _busy;

    [Inject] private Zones Zones { get; set; } = default!;
    [Inject] private WorkerTable Table { get; set; } = default!;
    [Inject] private WorkerFront Front { get; set; } = default!;
    [Inject] private EventStream<Zone> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>A worker to route to: opens the form.</summary>
    [SupplyParameterFromQuery] private string? Worker { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _zones = View(Stream, (caller, cancellation) => Zones.ListAsync(caller, _query, cancellation));
        _manages = (await Callers.GetAsync()).May(WorkersPermissions.ManageZones);
        _workers = Choices(Table);
        _worker = Worker ?? _workers[0].Item1;
        _adds = _manages && Worker is not null;
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _query = ListUri.Of(Navigation).ToPageQuery([]);
        Refresh(_zones);
    }

    /// <summary>The workers that a route may lead to.</summary>
    internal static IReadOnlyList<(string, string)> Choices(WorkerTable table) =>
        [("", "choose a worker"), .. table.Current.Workers.Values.Select(w => w.Name).Order(StringComparer.Ordinal).Select(name => (name, name))];

    private async Task AddAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var caller = await Callers.GetAsync();
            // A PUT replaces; here somebody means a new one.
            if (_hostname.Length > 0 && (await Zones.GetAsync(caller, _hostname, CancellationToken.None)).Ok) { _problem = Problem.Invalid("hostname", $"There is a zone '{_hostname}' already.", "Open it and add a route."); return; }
            if (_hostname.Length == 0) { _problem = Problem.Invalid("hostname", "The zone needs a host name.", "Type one, such as shop.example.com."); return; }
            var wanted = new NewZone(_worker.Length > 0 ? [new ZoneRoute(_pattern, _worker)] : []);
            if ((await Zones.PutAsync(caller, _hostname, wanted, CancellationToken.None)).TryGet(out var put, out _problem)) Navigation.NavigateTo($"zones/{Uri.EscapeDataString(put.Zone.Hostname)}");
        }
        finally { _busy = false; }
    }
}
