using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Appliances;

/// <summary>One deployed appliance, live.</summary>
public sealed partial class AppliancePage : LiveComponent
{
    private LiveView<Appliance> _view = default!;
    private ConfirmDialog _confirm = default!;
    private Problem? _problem;
    private Guid? _shown, _last;
    private bool _manages, _audits, _busy;
    private IReadOnlyList<Tab> _tabs = [new("overview", "Overview")];

    [Inject] private ApplianceRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<Appliance> Stream { get; set; } = default!;

    /// <summary>The appliance.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>The chosen tab.</summary>
    [SupplyParameterFromQuery] private string? Tab { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _view = ViewOne(Stream, () => Id.ToString(), (caller, cancellation) => Registry.GetAsync(caller, Id, cancellation));
        var caller = await Callers.GetAsync();
        (_manages, _audits) = (caller.May(AppliancePermissions.Manage), caller.May(AccessPermissions.ReadAudit));
        _tabs = [new("overview", "Overview"), new("operations", "Operations"), .. _audits ? [new Tab("audit", "Audit")] : Array.Empty<Tab>()];
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_shown == Id) return;
        _shown = Id;
        Refresh(_view);
    }

    private Task SealAsync() => QueueAsync(caller => Registry.SealAsync(caller, Id, CancellationToken.None));

    private async Task RemoveAsync()
    {
        var name = _view.Item?.Name;
        if (await _confirm.AskAsync($"Remove {name}?", "Its VM is deleted with its disks and its environment. This cannot be undone.", $"Remove {name}", danger: true))
            await QueueAsync(caller => Registry.RemoveAsync(caller, Id, CancellationToken.None));
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
}
