using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Hosts;

/// <summary>One host, live.</summary>
public sealed partial class HostPage : LiveComponent
{
    private LiveView<HostInfo> _view = default!;
    private ConfirmDialog _confirm = default!;
    private Problem? _problem;
    private Guid? _shown;
    private string? _naming;
    private bool _manages, _audits, _busy;
    private IReadOnlyList<Tab> _tabs = [new("overview", "Overview")];

    [Inject] private HostRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<HostInfo> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The host.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>The chosen tab.</summary>
    [SupplyParameterFromQuery] private string? Tab { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _view = ViewOne(Stream, () => Id.ToString(), (caller, cancellation) => Registry.GetAsync(caller, Id, cancellation));
        var caller = await Callers.GetAsync();
        (_manages, _audits) = (caller.May(HostsPermissions.ManageHosts), caller.May(AccessPermissions.ReadAudit));
        _tabs = [new("overview", "Overview"), new("operations", "Operations"), .. _audits ? [new Tab("audit", "Audit")] : Array.Empty<Tab>()];
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_shown == Id) return;
        _shown = Id;
        Refresh(_view);
    }

    private Task ToggleMaintenanceAsync() => EditAsync(new HostChange(Maintenance: _view.Item?.State is not HostState.Maintenance));

    private async Task RenameAsync()
    {
        await EditAsync(new HostChange(Name: _naming));
        if (_problem is null) _naming = null;
    }

    private Task EditAsync(HostChange change) => DoAsync(async caller => (await Registry.EditAsync(caller, Id, change, CancellationToken.None)).Problem);

    private Task ReconnectAsync() => DoAsync(async caller => (await Registry.ReconnectAsync(caller, Id, CancellationToken.None)).Problem);

    private async Task RemoveAsync()
    {
        if (_view.Item is not { } host) return;
        var text = $"Its {Words.Number(host.Vms)} VMs are no longer shown. Nothing is changed on the host: VMs and disks stay, and adding the host again brings them back.";
        if (!await _confirm.AskAsync($"Remove host {host.Name}?", text, $"Remove {host.Name}", danger: true)) return;
        await DoAsync(async caller => (await Registry.RemoveAsync(caller, Id, CancellationToken.None)).Problem);
        if (_problem is null) Navigation.NavigateTo("hosts");
    }

    private async Task DoAsync(Func<Caller, Task<Problem?>> action)
    {
        if (_busy) return;
        _busy = true;
        try { _problem = await action(await Callers.GetAsync()); }
        finally { _busy = false; }
    }
}
