using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Vms;

/// <summary>One VM, live.</summary>
public sealed partial class VmPage : LiveComponent
{
    private LiveView<Vm> _view = default!;
    private Problem? _problem;
    private Guid? _shown, _last;
    private Caller? _caller;
    private bool _screen, _audits, _protects;
    private IReadOnlyList<Tab> _tabs = [new("overview", "Overview")];

    [Inject] private VirtualMachines Machines { get; set; } = default!;
    [Inject] private EventStream<Vm> Stream { get; set; } = default!;

    /// <summary>The VM.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>The chosen tab.</summary>
    [SupplyParameterFromQuery] private string? Tab { get; set; }

    /// <summary>An operation to report on: the one that a form started before it led here.</summary>
    [SupplyParameterFromQuery] private Guid? Operation { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _view = ViewOne(Stream, () => Id.ToString(), (caller, cancellation) => Machines.GetAsync(caller, Id, cancellation));
        _caller = await Callers.GetAsync();
        (_screen, _audits, _protects) = (_caller.May(HostsPermissions.ConsoleVms), _caller.May(AccessPermissions.ReadAudit), _caller.May(BackupsPermissions.Read));
        _tabs =
        [
            new("overview", "Overview"), .. Only(_screen, new Tab("console", "Console")), new("metrics", "Metrics"),
            .. Only(_protects, new Tab("protection", "Protection")), new("snapshots", "Snapshots"), new("operations", "Operations"), .. Only(_audits, new Tab("audit", "Audit")),
        ];
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _last ??= Operation;
        if (_shown == Id) return;
        _shown = Id;
        Refresh(_view);
    }

    private static Tab[] Only(bool allowed, Tab tab) => allowed ? [tab] : [];
}
