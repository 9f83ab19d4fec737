using Microsoft.AspNetCore.Components;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Web.Backups;

/// <summary>A VM's recovery points, live, and the button that makes one.</summary>
public sealed partial class VmProtection : LiveComponent
{
    private const int Shown = 30;
    private LiveView<RecoveryPoint> _points = default!;
    private IReadOnlyList<(string Value, string Text)>? _repositories;
    private string? _repository;
    private Problem? _problem;
    private Guid? _of;
    private bool _full, _busy, _may, _restores;

    [Inject] private RecoveryPoints Points { get; set; } = default!;
    [Inject] private RepositoryRegistry Repositories { get; set; } = default!;
    [Inject] private EventStream<RecoveryPoint> Stream { get; set; } = default!;

    /// <summary>The VM.</summary>
    [Parameter, EditorRequired] public required Vm Vm { get; set; }

    /// <summary>An operation was queued.</summary>
    [Parameter] public EventCallback<Guid> Started { get; set; }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _points = View(Stream, (caller, cancellation) => Points.ListAsync(caller, new RecoveryPointQuery(Vm.Id), new PageQuery(1, Shown), cancellation), p => p.VmId == Vm.Id);
        var caller = await Callers.GetAsync();
        (_may, _restores) = (caller.May(BackupsPermissions.Run), caller.May(RestoresPermissions.Run));
        if (!RendererInfo.IsInteractive || !_may) return;
        var repositories = await Repositories.ListAsync(caller, new PageQuery(1, PageQuery.MaxSize, "name"), CancellationToken.None);
        if (!repositories.TryGet(out var page, out _problem)) return;
        _repositories = [.. page.Items.Select(r => (r.Id.ToString(), r.Name))];
        // Where its points are: another repository would take all of it, and end what is tracked for this one.
        var newest = await Points.ListAsync(caller, new RecoveryPointQuery(Vm.Id, Common: false, Damaged: false), new PageQuery(1, 1), CancellationToken.None);
        var used = newest.TryGet(out var points, out _) && points.Items is [var point] ? point.RepositoryId.ToString() : null;
        _repository ??= _repositories.Any(r => r.Value == used) ? used : _repositories.Count > 0 ? _repositories[0].Value : null;
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_of == Vm.Id) return;
        _of = Vm.Id;
        Refresh(_points);
    }

    private async Task BackUpAsync()
    {
        if (_busy || !Guid.TryParse(_repository, out var repository)) return;
        _busy = true;
        try
        {
            var queued = await Points.BackUpAsync(await Callers.GetAsync(), new NewBackup(Vm.Id, repository, _full), CancellationToken.None);
            if (!queued.TryGet(out var operation, out _problem)) return;
            _full = false;
            await Started.InvokeAsync(operation);
        }
        finally { _busy = false; }
    }

    private static RecoveryPoint? LastGood(IReadOnlyList<RecoveryPoint> points) => points.FirstOrDefault(p => p.Damage is null && !p.Common);
}
