using System.Globalization;
using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Restores;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Restores;

/// <summary>From a recovery point back to a VM: choose, see the plan, confirm, follow the operation.</summary>
public sealed partial class RestorePage
{
    private const int MostPoints = 100;
    private ConfirmDialog _confirm = default!;
    private Caller? _caller;
    private IReadOnlyList<RecoveryPoint>? _points;
    private IReadOnlyList<HostInfo> _hosts = [];
    private RecoveryPoint? _point;
    private RestorePlan? _plan;
    private Problem? _problem, _refused;
    private RestoreMode _mode;
    private Guid? _of;
    private string? _name, _host = "", _start = "", _shutdown;
    private int _total, _asked;
    private bool _busy, _planning;

    /// <summary>A recovery point to begin with.</summary>
    [SupplyParameterFromQuery] public Guid? Point { get; set; }

    /// <summary>Which repository is meant, for a point that was copied.</summary>
    [SupplyParameterFromQuery] public Guid? RepositoryId { get; set; }

    /// <summary>A VM whose points are shown.</summary>
    [SupplyParameterFromQuery] public Guid? Vm { get; set; }

    /// <summary>A mode to begin with.</summary>
    [SupplyParameterFromQuery] public string? Mode { get; set; }

    [Inject] private RecoveryPoints Points { get; set; } = default!;
    [Inject] private VmRestores Restores { get; set; } = default!;
    [Inject] private HostRegistry Hosts { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    private string ParentText => _of is null ? "Recovery points" : _point?.VmName ?? "Virtual machine";
    private string ParentHref => _of is { } vm && _point?.VmExists != false ? $"vms/{vm}" : "recovery-points";
    // An instant restore makes the VM itself again only when it is gone.
    private bool Another => _mode is RestoreMode.New || _mode is RestoreMode.Instant && _point?.VmExists == true;
    private string Verb => _mode is RestoreMode.Instant ? Another ? "Start the new VM now" : $"Start {_point?.VmName} now" : _mode is RestoreMode.New ? "Make the new VM" : $"Restore {_point?.VmName}";

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        if (!RendererInfo.IsInteractive) return;
        _caller = await Callers.GetAsync();
        if (Enum.TryParse<RestoreMode>(Mode, ignoreCase: true, out var mode) && Enum.IsDefined(mode)) _mode = mode;
        await ReadAsync();
    }

    private async Task ReadAsync()
    {
        _problem = null;
        RecoveryPoint? first = null;
        if (Point is { } id && !(await Points.GetAsync(_caller!, id, CancellationToken.None, RepositoryId)).TryGet(out first, out _problem)) return;
        _of = first?.VmId ?? Vm;
        if (!(await Points.ListAsync(_caller!, new RecoveryPointQuery(VmId: _of), new PageQuery(1, MostPoints), CancellationToken.None)).TryGet(out var page, out _problem)) return;
        if ((await Hosts.ListAsync(_caller!, new PageQuery(1, PageQuery.MaxSize), CancellationToken.None)).TryGet(out var hosts, out _)) _hosts = hosts.Items;
        (_points, _total) = (page.Items, page.Total);
        if (first is not null && _points.All(p => (p.Id, p.RepositoryId) != (first.Id, first.RepositoryId))) _points = [first, .. _points];
        if (first is not null) await ChooseAsync(first);
    }

    private async Task ChooseAsync(RecoveryPoint point)
    {
        if (_point?.VmId != point.VmId) _name = $"{point.VmName}-restored";
        _point = point;
        if (!point.VmExists && _mode is RestoreMode.Incremental) _mode = RestoreMode.Full;
        await PlanAsync();
    }

    private Task SetModeAsync(RestoreMode mode)
    {
        (_mode, _start) = (mode, "");
        return PlanAsync();
    }

    private Task SetNameAsync(string? name)
    {
        _name = name;
        return PlanAsync();
    }

    private Task SetHostAsync(string? host)
    {
        _host = host;
        return PlanAsync();
    }

    private Task SetStartAsync(string? start)
    {
        _start = start;
        return PlanAsync();
    }

    private NewRestore Request() => new(
        _point!.Id, _mode, Another ? _name : null, _mode is RestoreMode.New or RestoreMode.Instant && Guid.TryParse(_host, out var host) ? host : null, _start switch { "yes" => true, "no" => false, _ => null }, RepositoryId: _point.RepositoryId);

    // A plan may take a while, and the person goes on choosing: only the newest one counts.
    private async Task PlanAsync()
    {
        var asked = ++_asked;
        (_plan, _refused, _planning) = (null, null, true);
        StateHasChanged();
        var result = await Restores.PlanAsync(_caller!, Request(), CancellationToken.None);
        if (asked != _asked) return;
        _planning = false;
        if (!result.TryGet(out _plan, out _refused)) _problem = _refused.Errors.Count > 0 ? _refused : null;
        else _problem = null;
        if (_refused is { Errors.Count: > 0 }) _refused = null;
    }

    private async Task RestoreAsync()
    {
        if (_busy || _plan is not { Refusals.Count: 0 } plan || _point is not { } point) return;
        int? seconds = null;
        if (_mode is RestoreMode.Incremental or RestoreMode.Full && !string.IsNullOrWhiteSpace(_shutdown))
        {
            if (!int.TryParse(_shutdown, NumberStyles.None, CultureInfo.InvariantCulture, out var given) || given > 3600)
            {
                _problem = Problem.Invalid("shutdownSeconds", $"'{_shutdown}' is not possible.", "Give 0 to 3600.");
                return;
            }
            seconds = given;
        }
        _busy = true;
        try
        {
            if (_mode is RestoreMode.Incremental or RestoreMode.Full && !await _confirm.AskAsync($"Restore {point.VmName} to {point.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC?", RestoreWords.Consequence(plan), $"Restore {point.VmName}", danger: true)) return;
            if ((await Restores.StartAsync(_caller!, Request() with { ShutdownSeconds = seconds }, CancellationToken.None)).TryGet(out var operation, out _problem)) Navigation.NavigateTo($"operations/{operation}");
        }
        finally { _busy = false; }
    }
}
