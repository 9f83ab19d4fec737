using Microsoft.AspNetCore.Components;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Backups;

/// <summary>One recovery point, live.</summary>
public sealed partial class RecoveryPointPage : LiveComponent
{
    private LiveView<RecoveryPoint> _view = default!;
    private ConfirmDialog _confirm = default!;
    private PointManifest? _manifest;
    private Problem? _problem, _manifestProblem;
    private Guid? _shown, _last;
    private bool _busy, _runs, _restores, _files, _deletes;

    [Inject] private RecoveryPoints Points { get; set; } = default!;
    [Inject] private EventStream<RecoveryPoint> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The point.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>Which repository is meant, for a point that is in several.</summary>
    [SupplyParameterFromQuery] private Guid? RepositoryId { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _view = View(Stream, async (caller, c) => (await Points.GetAsync(caller, Id, c, RepositoryId)).Then(item => new Page<RecoveryPoint>([item], 1, 1, 1)), p => p.Id == Id);
        var caller = await Callers.GetAsync();
        (_runs, _restores, _files, _deletes) = (caller.May(BackupsPermissions.Run), caller.May(RestoresPermissions.Run), caller.May(RestoresPermissions.Files), caller.May(BackupsPermissions.Delete));
    }

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        if (_shown == Id) return;
        _shown = Id;
        Refresh(_view);
        if (RendererInfo.IsInteractive) await ReadManifestAsync();
    }

    private async Task ReadManifestAsync()
    {
        if ((await Points.ManifestAsync(await Callers.GetAsync(), Id, CancellationToken.None, RepositoryId)).TryGet(out var manifest, out _manifestProblem)) _manifest = manifest;
    }

    private Task VerifyAsync() => DoAsync(async () =>
    {
        if ((await Points.VerifyAsync(await Callers.GetAsync(), Id, CancellationToken.None, RepositoryId)).TryGet(out var operation, out _problem)) _last = operation;
    });

    private Task PinAsync(bool pinned) => DoAsync(async () => _problem = (await Points.PinAsync(await Callers.GetAsync(), Id, pinned, CancellationToken.None, RepositoryId)).Problem);

    private async Task DeleteAsync()
    {
        if (_view.Item is not { } point) return;
        var when = $"{point.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC";
        if (!await _confirm.AskAsync($"Delete the recovery point of {point.VmName}?", $"It is of {when}, in {point.RepositoryName}. Other points stay whole. It cannot be had back.", $"Delete {when}", danger: true)) return;
        await DoAsync(async () =>
        {
            if ((await Points.DeleteAsync(await Callers.GetAsync(), Id, CancellationToken.None, RepositoryId)).TryGet(out _, out _problem)) Navigation.NavigateTo($"recovery-points?vmId={point.VmId}");
        });
    }

    private async Task DoAsync(Func<Task> work)
    {
        if (_busy) return;
        _busy = true;
        try { await work(); }
        finally { _busy = false; }
    }
}
