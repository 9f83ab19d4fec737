using Microsoft.AspNetCore.Components;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Backups;

/// <summary>The backup jobs, live.</summary>
public sealed partial class BackupJobsPage : LiveComponent
{
    private LiveView<BackupJob> _jobs = default!;
    private BackupJobDialog _edit = default!;
    private ConfirmDialog _confirm = default!;
    private PageQuery _query = new();
    private Problem? _problem;
    private Guid? _operation;
    private bool _manages, _runs, _open;

    [Inject] private JobBook Book { get; set; } = default!;
    [Inject] private EventStream<BackupJob> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _jobs = View(Stream, (caller, cancellation) => Book.ListAsync(caller, _query, cancellation));
        var caller = await Callers.GetAsync();
        (_manages, _runs) = (caller.May(BackupsPermissions.ManageJobs), caller.May(BackupsPermissions.Run));
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var address = ListUri.Of(Navigation);
        _query = address.ToPageQuery(JobBook.Sorts, sort: "name");
        _open = address.Value("new") == "true";
        Refresh(_jobs);
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!_open || !_manages || !RendererInfo.IsInteractive) return;
        _open = false;
        await _edit.OpenAsync(null);
    }

    private async Task RunAsync(BackupJob job)
    {
        var started = await Book.RunAsync(await Callers.GetAsync(), job.Id, CancellationToken.None);
        (_operation, _problem) = (started.Ok ? started.Value : null, started.Problem);
    }

    private async Task DeleteAsync(BackupJob job)
    {
        if (!await _confirm.AskAsync($"Delete backup job {job.Name}?", "Its recovery points stay, and nothing removes them by itself any more.", $"Delete {job.Name}", danger: true)) return;
        _problem = (await Book.DeleteAsync(await Callers.GetAsync(), job.Id, CancellationToken.None)).Problem;
    }
}
