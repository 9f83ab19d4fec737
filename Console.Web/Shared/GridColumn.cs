using Microsoft.AspNetCore.Components;

namespace Quarterdeck.Web.Shared;

/// <summary>A column of a <see cref="DataGrid{TItem}"/>; its child content is the cell.</summary>
public sealed class GridColumn<TItem> : ComponentBase, IDisposable
{
    [CascadingParameter] private DataGrid<TItem> Grid { get; set; } = default!;

    /// <summary>The field's REST name: the order's value in the address.</summary>
    [Parameter, EditorRequired] public string Key { get; set; } = "";

    /// <summary>The heading.</summary>
    [Parameter, EditorRequired] public string Title { get; set; } = "";

    /// <summary>Whether a click on the heading orders by it.</summary>
    [Parameter] public bool Sortable { get; set; }

    /// <summary>Whether the reader may hide it.</summary>
    [Parameter] public bool Optional { get; set; }

    /// <summary>Numbers and sizes: right-aligned, figures of one width.</summary>
    [Parameter] public bool Numeric { get; set; }

    /// <summary>Left out on narrow screens.</summary>
    [Parameter] public bool WideOnly { get; set; }

    /// <summary>The cell.</summary>
    [Parameter, EditorRequired] public RenderFragment<TItem> ChildContent { get; set; } = default!;

    internal string? Css => (Numeric, WideOnly) switch { (true, true) => "num wide", (true, false) => "num", (false, true) => "wide", _ => null };

    protected override void OnInitialized() => Grid.Add(this);

    public void Dispose() => Grid.Remove(this);
}
