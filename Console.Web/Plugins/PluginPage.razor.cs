using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Plugins;

/// <summary>One plug-in, live.</summary>
public sealed partial class PluginPage : LiveComponent
{
    private LiveView<Plugin> _view = default!;
    private ConfirmDialog _confirm = default!;
    private Problem? _problem;
    private Guid? _shown, _last;
    private bool _opens, _manages, _audits, _busy, _disabling, _stopVm;
    private IReadOnlyList<Tab> _tabs = [new("overview", "Overview")];

    [Inject] private PluginRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<Plugin> Stream { get; set; } = default!;
    [Inject] private PermissionCatalogue Catalogue { get; set; } = default!;

    /// <summary>The plug-in.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>The chosen tab.</summary>
    [SupplyParameterFromQuery] private string? Tab { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _view = ViewOne(Stream, () => Id.ToString(), (caller, cancellation) => Registry.GetAsync(caller, Id, cancellation));
        var caller = await Callers.GetAsync();
        _opens = caller.May(PluginPermissions.Open);
        (_manages, _audits) = (caller.May(PluginPermissions.Manage), caller.May(AccessPermissions.ReadAudit));
        _tabs = [new("overview", "Overview"), new("history", "History"), new("operations", "Operations"), .. _audits ? [new Tab("audit", "Audit")] : Array.Empty<Tab>()];
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_shown == Id) return;
        _shown = Id;
        Refresh(_view);
    }

    private Task EnableAsync() => QueueAsync(caller => Registry.EnableAsync(caller, Id, CancellationToken.None));

    private async Task DisableAsync()
    {
        (_disabling, _stopVm) = (true, false);
        var sure = await _confirm.AskAsync($"Disable {_view.Item?.Name}?", "Its token is revoked and its pages are gone. Its VM and data stay, and it can be enabled again.", $"Disable {_view.Item?.Name}");
        _disabling = false;
        if (sure) await QueueAsync(caller => Registry.DisableAsync(caller, Id, _stopVm, CancellationToken.None));
    }

    private async Task UninstallAsync()
    {
        if (await _confirm.AskAsync($"Uninstall {_view.Item?.Name}?", "Its VM is deleted with its disks, and its token with it. This cannot be undone.", $"Uninstall {_view.Item?.Name}", danger: true))
            await QueueAsync(caller => Registry.UninstallAsync(caller, Id, CancellationToken.None));
    }

    private async Task QueueAsync(Func<Caller, Task<Result<Guid>>> ask)
    {
        if (_busy) return;
        _busy = true;
        try
        {
            if ((await ask(await Callers.GetAsync())).TryGet(out var operation, out _problem)) _last = operation;
        }
        finally { _busy = false; }
    }

    private static string? Explain(Plugin plugin) => plugin.State switch
    {
        PluginState.Deploying => "Its appliance is being made.",
        PluginState.Enrolling => plugin.UpgradingTo is { } version ? $"Version {version} is being tried. Until it says that it is well, the version before can come back as it was." : "Its VM runs; the console waits until it enrols.",
        PluginState.Degraded => (plugin.Health.State, plugin.Health.Reason) switch { (HealthState.Unknown, { } why) => why, (_, { } said) => $"It says that it is not well: {said}", _ => "It missed heartbeats." },
        PluginState.Unreachable => plugin.Health.Reason ?? "It has been silent for long. Look at its VM: is it running, and does its network reach the console's appliance address?",
        PluginState.Disabled => "It was disabled: its token is revoked until it is enabled again.",
        PluginState.Uninstalling => "It is being removed with its VM.",
        _ => null,
    };
}
