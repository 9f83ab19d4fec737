using Microsoft.AspNetCore.Components;
using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Restores;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Restores;

/// <summary>Browses the file systems of a recovery point, and links to the downloads.</summary>
public sealed partial class PointFilesPage : LiveComponent
{
    private static readonly Filter[] Below = [new("below", "Search", [("true", "in all folders below")])];
    private readonly CancellationTokenSource _gone = new();
    private RecoveryPoint? _point;
    private PointVolumes? _volumes;
    private PointVolume? _volume;
    private FolderListing? _listing;
    private Page<FolderEntry>? _page;
    private Problem? _problem, _listProblem;
    private PageQuery _query = new();
    private string _path = "/";
    private (Guid Id, string? Address) _shown;
    private int _asked;
    private IReadOnlyList<Filter> _filters = [];

    [Inject] private PointFiles Files { get; set; } = default!;
    [Inject] private RecoveryPoints Points { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The recovery point.</summary>
    [Parameter] public Guid Id { get; set; }

    private Guid? RepositoryId => Guid.TryParse(ListUri.Of(Navigation).Value("repositoryId"), out var id) ? id : null;

    private string PointHref => $"recovery-points/{Id}{(RepositoryId is { } id ? $"?repositoryId={id}" : "")}";

    private bool Downloadable => _volume is not null && _listProblem is null;

    /// <summary>The folders down to this one.</summary>
    private IEnumerable<(string Text, string Path)> Crumbs
    {
        get
        {
            yield return (_volume?.Id ?? "/", "/");
            for (var at = 1; at > 0 && at < _path.Length;)
            {
                var end = _path.IndexOf('/', at) is > 0 and var next ? next : _path.Length;
                yield return (_path[at..end], _path[..end]);
                at = end + 1;
            }
        }
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (!RendererInfo.IsInteractive || _shown == (Id, Navigation.Uri)) return;
        var another = _shown.Id != Id;
        _shown = (Id, Navigation.Uri);
        if (another) (_point, _volumes, _volume) = (null, null, null);
        _ = InvokeAsync(_volumes is null ? ReadAsync : ListAsync);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _gone.CancelAsync();
        await base.DisposeAsync();
    }

    private Task ReadAsync() => ShowingAsync(async () =>
    {
        var caller = await Callers.GetAsync();
        if (!(await Points.GetAsync(caller, Id, _gone.Token, RepositoryId)).TryGet(out _point, out _problem)) return;
        StateHasChanged();
        if ((await Files.VolumesAsync(caller, Id, RepositoryId, _gone.Token)).TryGet(out _volumes, out _problem)) await ListAsync();
    });

    private Task ListAsync() => ShowingAsync(async () =>
    {
        var address = ListUri.Of(Navigation);
        (_path, _query) = (address.Value("path") ?? "/", address.ToPageQuery(PointFiles.Sorts, size: 200));
        _volume = address.Value("volume") is { } wanted ? _volumes?.Items.FirstOrDefault(v => v.Id == wanted) : _volumes?.Items.FirstOrDefault(v => v.Readable);
        _filters = _query.Search is null ? [] : Below;
        if (_volume is null) return;
        var asked = ++_asked;
        (_listProblem, _page, _listing) = (null, null, null);
        StateHasChanged();
        var listed = await Files.ListAsync(await Callers.GetAsync(), new FolderQuery(Id, _volume.Id, _path, RepositoryId, address.Value("below") == "true"), _query, _gone.Token);
        if (asked != _asked) return; // the next folder was asked for meanwhile
        if (listed.TryGet(out _listing, out _listProblem)) _page = new Page<FolderEntry>(_listing.Items, _listing.Total, _listing.Page, _listing.PageSize);
    });

    private async Task ShowingAsync(Func<Task> work)
    {
        try
        {
            await work();
            StateHasChanged();
        }
        catch (OperationCanceledException) when (_gone.IsCancellationRequested) { /* nobody looks any more */ }
    }

    private string Href(string volume, string path) => Navigation.GetUriWithQueryParameters($"recovery-points/{Id}/files", new Dictionary<string, object?>
    {
        ["volume"] = volume, ["path"] = path == "/" ? null : path, ["repositoryId"] = RepositoryId,
    });

    private string DownloadHref(string path) => Navigation.GetUriWithQueryParameters($"recovery-points/{Id}/content", new Dictionary<string, object?>
    {
        ["volume"] = _volume?.Id, ["path"] = path, ["repositoryId"] = RepositoryId,
    });

    private static string IconOf(EntryKind kind) => kind switch { EntryKind.Folder => "folder", EntryKind.Link => "link", EntryKind.File => "file", _ => "settings" };
}
