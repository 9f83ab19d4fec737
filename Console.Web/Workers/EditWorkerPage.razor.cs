using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Components;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>The code of a worker: a version's, changed and deployed as the next one, and tried beside it.</summary>
public sealed partial class EditWorkerPage
{
    private CodeDraft? _draft;
    private CodeEditor? _editor;
    private ConfirmDialog _confirm = default!;
    private Worker? _worker;
    private Problem? _problem;
    private UploadOutcome? _outcome;
    private (string, int?)? _shown;
    private (string File, int Line)? _marked;
    private string? _message;
    private int? _tried;
    private bool _deploys, _busy;

    [Inject] private WorkerRegistry Registry { get; set; } = default!;
    [Inject] private WorkerVersions Versions { get; set; } = default!;
    [Inject] private WorkerCodeStore Store { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;

    /// <summary>The worker's name.</summary>
    [Parameter] public string Name { get; set; } = "";

    /// <summary>The version to begin from; the newest when absent.</summary>
    [SupplyParameterFromQuery] private int? Version { get; set; }

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        if (!RendererInfo.IsInteractive || _shown == (Name, Version)) return;
        _shown = (Name, Version);
        await LoadAsync(Version);
    }

    private async Task LoadAsync(int? wanted)
    {
        var caller = await Callers.GetAsync();
        _deploys = caller.May(WorkersPermissions.Deploy);
        if (!(await Registry.GetAsync(caller, Name, CancellationToken.None)).TryGet(out var worker, out _problem)) return;
        _worker = worker;
        var number = wanted ?? worker.LatestVersion;
        if (number == 0) { _draft = CodeDraft.Of(Starters.All[0]); return; }
        if (!(await Versions.GetAsync(caller, Name, number, CancellationToken.None)).TryGet(out var version, out _problem)) return;
        if (!(await Versions.ModulesAsync(caller, Name, number, CancellationToken.None)).TryGet(out var modules, out _problem)) return;
        (_draft, _tried) = (CodeDraft.Of(version, modules), number);
    }

    private async Task DeployAsync(bool deploy)
    {
        if (_busy || _draft is not { } draft || _editor is null || !_deploys) return;
        (_busy, _outcome, _problem) = (true, null, null);
        try
        {
            await _editor.FlushAsync();
            var caller = await Callers.GetAsync();
            var upload = await CodeUpload.MakeAsync(draft, null, null, _message, Store, CancellationToken.None);
            var made = await Registry.UploadAsync(caller, Name, upload, deploy, CancellationToken.None);
            await MarkAsync(made.Problem);
            if (!made.TryGet(out _outcome, out _problem)) return;
            await _editor.ForgetDraftAsync();
            (_message, _tried) = (null, _outcome.Version);
            // The next deployment begins from what was just made; the editor keeps its text and its place.
            var from = await Versions.GetAsync(caller, Name, _outcome.Version, CancellationToken.None);
            if (from.Ok) draft.From = from.Value;
            if ((await Registry.GetAsync(caller, Name, CancellationToken.None)).TryGet(out var worker, out _)) _worker = worker;
        }
        finally { _busy = false; }
    }

    private async Task DiscardAsync()
    {
        if (_editor is null || !await _confirm.AskAsync($"Discard what you changed in {Name}?", "The code of the version that you began from comes back.", "Discard changes", danger: true)) return;
        await _editor.ForgetDraftAsync();
        await LoadAsync(_draft?.From?.Version);
    }

    /// <summary>Shows where the runtime found something wrong, such as <c>index.js:3:14</c>.</summary>
    private async Task MarkAsync(Problem? problem)
    {
        if (_marked is var (file, line)) await _editor!.MarkAsync(file, line, 1, null);
        _marked = null;
        if (problem is null || Place().Match(problem.Detail) is not { Success: true } found) return;
        var at = int.Parse(found.Groups["line"].Value, CultureInfo.InvariantCulture);
        _marked = (found.Groups["file"].Value, at);
        await _editor!.MarkAsync(_marked.Value.File, at, found.Groups["column"].Success ? int.Parse(found.Groups["column"].Value, CultureInfo.InvariantCulture) : 1, problem.Detail);
    }

    [GeneratedRegex(@"(?<file>[\w./-]+\.(?:m?js|ts)):(?<line>\d{1,6})(?::(?<column>\d{1,6}))?")]
    private static partial Regex Place();
}
