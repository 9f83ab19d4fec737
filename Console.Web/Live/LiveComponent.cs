using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Live;

/// <summary>A page or component that shows live rows: makes <see cref="LiveView{T}"/>s, renders when they change, and ends them.</summary>
/// <remarks>Make the views in <c>OnInitialized</c>, call <see cref="Refresh{T}"/> on them in <c>OnParametersSet</c> (after reading the address). While prerendering nothing is read: show a skeleton.</remarks>
public abstract class LiveComponent : ComponentBase, IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _views = [];
    private NavigationManager? _address;
    private string _path = "";

    [Inject] private LiveStatus LiveStatus { get; set; } = default!;
    [Inject] private TimeProvider Time { get; set; } = default!;
    [Inject] private ILoggerFactory Loggers { get; set; } = default!;

    /// <summary>The address, whose query string pages take their filters from. Blazor tells a page of a new query only through parameters, and many pages have none.</summary>
    [Inject]
    private NavigationManager Address
    {
        set
        {
            (_address, _path) = (value, new Uri(value.Uri).AbsolutePath);
            value.LocationChanged += AddressChanged;
        }
    }

    /// <summary>Who asks.</summary>
    [Inject] protected CallerAccessor Callers { get; set; } = default!;

    /// <summary>A page of a list.</summary>
    /// <param name="stream">The room's topic.</param>
    /// <param name="read">Reads the rows as the address wants them; called again after a gap.</param>
    /// <param name="concerns">Whether a changed row that is not shown could belong here, so that the list must be read again; null for always.</param>
    /// <param name="moves">Whether a shown row's change could move it within the order; null for never.</param>
    protected LiveView<T> View<T>(EventStream<T> stream, Func<Caller, CancellationToken, Task<Result<Page<T>>>> read, Func<T, bool>? concerns = null, Func<T, T, bool>? moves = null)
    {
        var view = new LiveView<T>(stream, async c => await read(await Callers.GetAsync(), c), concerns, moves,
            apply => InvokeAsync(() => { apply(); StateHasChanged(); }), LiveStatus, Time, Loggers.CreateLogger("Quarterdeck.Web.Live"));
        _views.Add(view);
        return view;
    }

    /// <summary>One object; <see cref="LiveView{T}.Item"/> is it.</summary>
    /// <param name="stream">The room's topic.</param>
    /// <param name="key">The object's key as it is now; called for each change.</param>
    /// <param name="read">Reads the object.</param>
    protected LiveView<T> ViewOne<T>(EventStream<T> stream, Func<string> key, Func<Caller, CancellationToken, Task<Result<T>>> read) =>
        View(stream, async (caller, c) => (await read(caller, c)).Then(item => new Page<T>([item], 1, 1, 1)), item => stream.KeyOf(item) == key());

    /// <summary>Starts reading, or reads again; does nothing while prerendering.</summary>
    protected void Refresh<T>(LiveView<T> view)
    {
        if (RendererInfo.IsInteractive) view.Refresh();
    }

    /// <summary>Another query of the same page: as if its parameters were set anew. Another page disposes this one.</summary>
    private void AddressChanged(object? sender, LocationChangedEventArgs e)
    {
        if (new Uri(e.Location).AbsolutePath == _path)
            _ = InvokeAsync(() =>
            {
                OnParametersSet();
                StateHasChanged();
            });
    }

    /// <summary>Ends the views.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        if (_address is not null) _address.LocationChanged -= AddressChanged;
        foreach (var view in _views) await view.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
