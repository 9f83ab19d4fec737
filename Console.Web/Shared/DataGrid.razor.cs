using Microsoft.AspNetCore.Components;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Shared;

/// <summary>The one list of the console: a native table over a page that SQL cut, with everything the reader chose in the address.</summary>
public sealed partial class DataGrid<TItem> : IDisposable
{
    private readonly List<GridColumn<TItem>> _columns = [];
    private CancellationTokenSource? _typing;
    private ListUri _query = default!;

    [Inject] private NavigationManager Navigation { get; set; } = default!;
    [Inject] private TimeProvider Time { get; set; } = default!;

    /// <summary>What the list shows, for screen readers.</summary>
    [Parameter, EditorRequired] public string Label { get; set; } = "";

    /// <summary>The rows; null while they are read.</summary>
    [Parameter, EditorRequired] public Page<TItem>? Page { get; set; }

    /// <summary>Why they could not be read.</summary>
    [Parameter] public Problem? Problem { get; set; }

    /// <summary>Reads again after a problem.</summary>
    [Parameter] public EventCallback Retry { get; set; }

    /// <summary>What tells rows apart.</summary>
    [Parameter, EditorRequired] public Func<TItem, object> RowKey { get; set; } = default!;

    /// <summary>Where a click on a row leads; the first column becomes the link.</summary>
    [Parameter] public Func<TItem, string>? RowHref { get; set; }

    /// <summary><see cref="GridColumn{TItem}"/>s.</summary>
    [Parameter, EditorRequired] public RenderFragment? Columns { get; set; }

    /// <summary>Buttons at a row's end.</summary>
    [Parameter] public RenderFragment<TItem>? RowActions { get; set; }

    /// <summary>Shown when there are no rows at all: an <see cref="EmptyState"/> with the next step.</summary>
    [Parameter] public RenderFragment? Empty { get; set; }

    /// <summary>More controls of the list.</summary>
    [Parameter] public RenderFragment? Toolbar { get; set; }

    /// <summary>Filters as chips.</summary>
    [Parameter] public IReadOnlyList<Filter> Filters { get; set; } = [];

    /// <summary>Placeholder of the search field; null for a list without search.</summary>
    [Parameter] public string? SearchHint { get; set; }

    /// <summary>The list's order when the address names none, as in <c>-createdAt</c>.</summary>
    [Parameter] public string? DefaultSort { get; set; }

    /// <summary>The word for one row.</summary>
    [Parameter] public string One { get; set; } = "row";

    /// <summary>The word for several rows.</summary>
    [Parameter] public string Many { get; set; } = "rows";

    private IEnumerable<GridColumn<TItem>> Visible => _columns.Where(c => !c.Optional || !_query.Hidden.Contains(c.Key));

    private bool Filtered => _query.Search is not null || Filters.Any(f => _query.Value(f.Key) is not null) || _query.Page > 1;

    private string? Sort => _query.Value("sort") ?? DefaultSort;

    internal void Add(GridColumn<TItem> column) => _columns.Add(column);

    internal void Remove(GridColumn<TItem> column) => _columns.Remove(column);

    protected override void OnParametersSet() => _query = ListUri.Of(Navigation);

    private string? Direction(GridColumn<TItem> column) =>
        Sort == column.Key ? "sort-up" : Sort == "-" + column.Key ? "sort-down" : null;

    private string? AriaSort(GridColumn<TItem> column) =>
        Sort == column.Key ? "ascending" : Sort == "-" + column.Key ? "descending" : null;

    private string SortHref(GridColumn<TItem> column) =>
        _query.With(("sort", Sort == column.Key ? "-" + column.Key : column.Key), ("page", null));

    private void Toggle(GridColumn<TItem> column)
    {
        var hidden = _query.Hidden.ToHashSet();
        if (!hidden.Remove(column.Key)) hidden.Add(column.Key);
        Navigation.NavigateTo(_query.With(("hide", string.Join(',', hidden.Order()))), replace: true);
    }

    private void ClearAll() =>
        Navigation.NavigateTo(_query.With([.. Filters.Select(f => (f.Key, (string?)null)), ("search", null), ("page", null)]), replace: true);

    private async Task SearchAsync(ChangeEventArgs e)
    {
        _typing?.Cancel();
        _typing?.Dispose();
        var typing = _typing = new CancellationTokenSource();
        try { await Task.Delay(TimeSpan.FromMilliseconds(180), Time, typing.Token); }
        catch (OperationCanceledException) { return; } // another letter came
        Navigation.NavigateTo(ListUri.Of(Navigation).With(("search", (e.Value as string)?.Trim()), ("page", null)), replace: true);
    }

    public void Dispose()
    {
        _typing?.Cancel();
        _typing?.Dispose();
    }
}
