using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Repositories;

/// <summary>One backup repository, live.</summary>
public sealed partial class RepositoryPage : LiveComponent
{
    private LiveView<RepositoryInfo> _view = default!;
    private ConfirmDialog _confirm = default!;
    private CopyPointsDialog _copy = default!;
    private Problem? _problem;
    private ExportedKey? _key;
    private Guid? _shown, _operation;
    private bool _operates, _manages, _exports, _audits, _busy;
    private IReadOnlyList<Tab> _tabs = [new("overview", "Overview")];

    [Inject] private RepositoryRegistry Registry { get; set; } = default!;
    [Inject] private RepositoryUpkeep Upkeep { get; set; } = default!;
    [Inject] private EventStream<RepositoryInfo> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The repository.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>The chosen tab.</summary>
    [SupplyParameterFromQuery] private string? Tab { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _view = ViewOne(Stream, () => Id.ToString("D"), (caller, cancellation) => Registry.GetAsync(caller, Id, cancellation));
        var caller = await Callers.GetAsync();
        (_operates, _manages) = (caller.May(RepositoriesPermissions.Operate), caller.May(RepositoriesPermissions.Manage));
        (_exports, _audits) = (caller.May(RepositoriesPermissions.ExportKey), caller.May(AccessPermissions.ReadAudit));
        _tabs = [new("overview", "Overview"), new("upkeep", "Upkeep"), new("operations", "Operations"), .. _audits ? [new Tab("audit", "Audit")] : Array.Empty<Tab>()];
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_shown == Id) return;
        (_shown, _key, _operation, _problem) = (Id, null, null, null);
        Refresh(_view);
    }

    private Task StartAsync(Func<Caller, Guid, CancellationToken, Task<Result<Guid>>> start) => DoAsync(async caller =>
    {
        var started = await start(caller, Id, CancellationToken.None);
        if (started.Ok) _operation = started.Value;
        return started.Problem;
    });

    private async Task PruneAsync()
    {
        const string text = "Points made before a restore, and others with an end, go once they have expired. Pinned points and the last good one of each VM stay. The space is freed when you free unused space.";
        if (await _confirm.AskAsync($"Remove expired points from {_view.Item?.Name}?", text, "Remove expired points", danger: true)) await StartAsync(Upkeep.PruneAsync);
    }

    private Task ShowKeyAsync() => DoAsync(async caller =>
    {
        var exported = await Registry.ExportKeyAsync(caller, Id, CancellationToken.None);
        if (exported.Ok) _key = exported.Value;
        return exported.Problem;
    });

    private async Task RemoveAsync()
    {
        if (_view.Item is not { } repository) return;
        var key = repository.Encrypted ? " You will need its key to add it again." : "";
        var text = $"Its {Words.Number(repository.Points)} recovery points are no longer shown. The data stays in {repository.Location}, and adding the repository again brings them back.{key}";
        if (!await _confirm.AskAsync($"Forget repository {repository.Name}?", text, $"Forget {repository.Name}", danger: true)) return;
        await DoAsync(async caller => (await Registry.RemoveAsync(caller, Id, CancellationToken.None)).Problem);
        if (_problem is null) Navigation.NavigateTo("repositories");
    }

    private async Task DoAsync(Func<Caller, Task<Problem?>> action)
    {
        if (_busy) return;
        _busy = true;
        try { _problem = await action(await Callers.GetAsync()); }
        finally { _busy = false; }
    }
}
