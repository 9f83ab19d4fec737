using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Versions and deployments of a worker; read again whenever the worker changed.</summary>
public sealed partial class WorkerVersionsTab
{
    private readonly List<int> _chosen = [];
    private Page<WorkerVersion>? _versions;
    private Page<WorkerDeployment>? _deployments;
    private VersionDiff? _diff;
    private Problem? _problem, _splitProblem;
    private (string, DateTimeOffset) _shown;
    private string? _done;
    private bool _busy;

    [Inject] private WorkerVersions Versions { get; set; } = default!;
    [Inject] private WorkerDeployments Deployments { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;

    /// <summary>The worker.</summary>
    [Parameter, EditorRequired] public required Worker Worker { get; set; }

    /// <summary>Whether the person may deploy.</summary>
    [Parameter, EditorRequired] public bool Deploys { get; set; }

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        if (!RendererInfo.IsInteractive || _shown == (Worker.Name, Worker.ChangedAt)) return;
        if (_shown.Item1 != Worker.Name) _chosen.Clear();
        _shown = (Worker.Name, Worker.ChangedAt);
        var caller = await Callers.GetAsync();
        if (!(await Versions.ListAsync(caller, Worker.Name, new PageQuery(1, 100), CancellationToken.None)).TryGet(out var versions, out _problem)) return;
        _versions = versions;
        if ((await Deployments.ListAsync(caller, Worker.Name, new PageQuery(1, 20), CancellationToken.None)).TryGet(out var deployments, out _problem)) _deployments = deployments;
    }

    private int? Share(int version) => Worker.Deployment?.Versions.FirstOrDefault(v => v.Version == version)?.Percent;

    private void Choose(int version)
    {
        if (_chosen.Remove(version)) return;
        if (_chosen.Count == 2) _chosen.RemoveAt(0);
        _chosen.Add(version);
    }

    private async Task CompareAsync() =>
        _diff = (await Versions.DiffAsync(await Callers.GetAsync(), Worker.Name, _chosen.Min(), _chosen.Max(), CancellationToken.None)).TryGet(out var diff, out _problem) ? diff : null;

    private async Task DeployAsync(int version) => _problem = await PutAsync(new NewDeployment([new VersionShare(version, 100)]));

    private async Task SplitAsync(NewDeployment wanted) => _splitProblem = await PutAsync(wanted);

    private async Task<Problem?> PutAsync(NewDeployment wanted)
    {
        if (_busy) return null;
        (_busy, _done) = (true, null);
        try
        {
            var made = await Deployments.DeployAsync(await Callers.GetAsync(), Worker.Name, wanted, CancellationToken.None);
            if (made.Ok) _done = $"{WorkerWords.Split(made.Value)} answers now.";
            return made.Problem;
        }
        finally { _busy = false; }
    }
}
