using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Backups;

/// <summary>Asks what a backup job protects, where to, when, and how long it is kept.</summary>
public sealed partial class BackupJobDialog
{
    private ElementReference _dialog;
    private bool _open, _busy;
    private BackupJobForm _form = new();
    private IReadOnlyList<(string Value, string Text)> _repositories = [];
    private IReadOnlyList<(Guid Id, string Name)> _hosts = [];
    private IReadOnlyList<string> _tags = [];
    private Problem? _problem;

    [Inject] private JobBook Book { get; set; } = default!;
    [Inject] private RepositoryRegistry Repositories { get; set; } = default!;
    [Inject] private HostRegistry Hosts { get; set; } = default!;
    [Inject] private VirtualMachines Vms { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>What no visible field shows by itself.</summary>
    private Problem? General => _problem is { } p && (p.Errors.Count == 0 || p.Errors.Any(e => e.Field.StartsWith("schedule.", StringComparison.Ordinal) && e.Field is not ("schedule.cron" or "schedule.timeZone"))) ? p : null;

    /// <summary>Opens it empty, or with a job to change.</summary>
    public async Task OpenAsync(BackupJob? job)
    {
        var caller = await Callers.GetAsync();
        var all = new PageQuery(1, PageQuery.MaxSize, "name");
        _repositories = (await Repositories.ListAsync(caller, all, CancellationToken.None)).TryGet(out var repositories, out _) ? [.. repositories.Items.Select(r => (r.Id.ToString(), r.Name))] : [];
        _hosts = (await Hosts.ListAsync(caller, all, CancellationToken.None)).TryGet(out var hosts, out _) ? [.. hosts.Items.Select(h => (h.Id, h.Name))] : [];
        _tags = (await Vms.TagsAsync(caller, CancellationToken.None)).TryGet(out var tags, out _) ? tags : [];
        _form = job is null ? new BackupJobForm { Repository = _repositories.FirstOrDefault().Value } : BackupJobForm.Of(job, await NamesAsync(job));
        (_problem, _open) = (null, true);
        StateHasChanged();
        await Task.Yield(); // let the content render before the dialog takes the focus
        await Script.InvokeVoidAsync("quarterdeck.openDialog", _dialog);
    }

    private async Task<Dictionary<Guid, string>> NamesAsync(BackupJob job)
    {
        IReadOnlyList<Guid> ids = job.Targets.All ? job.Targets.ExceptVmIds : job.Targets.VmIds;
        var names = ids.ToDictionary(id => id, id => $"a VM that is gone ({id.ToString()[..8]})");
        foreach (var some in ids.Chunk(PageQuery.MaxSize))
            foreach (var vm in (await Vms.ListAsync(await Callers.GetAsync(), new VmQuery(Ids: some), new PageQuery(1, PageQuery.MaxSize), CancellationToken.None)).Value.Items) names[vm.Id] = vm.Name;
        return names;
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var caller = await Callers.GetAsync();
            var result = _form.Id is { } id ? await Book.ReplaceAsync(caller, id, _form.ToJob(), CancellationToken.None) : await Book.AddAsync(caller, _form.ToJob(), CancellationToken.None);
            _problem = result.Problem;
            if (_problem is null) await CloseAsync();
        }
        finally { _busy = false; }
    }

    private async Task CloseAsync() => await Script.InvokeVoidAsync("quarterdeck.closeDialog", _dialog);
}
