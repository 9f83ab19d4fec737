using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Access;

/// <summary>A page with a list that is not live: read when it opens, when its address changes, and after an action.</summary>
public abstract class AddressedList<T> : ComponentBase, IDisposable
{
    private CancellationTokenSource _reading = new();
    private string _path = "";

    [Inject] protected CallerAccessor Callers { get; set; } = default!;

    [Inject] protected NavigationManager Navigation { get; set; } = default!;

    /// <summary>The rows; null while they are read first.</summary>
    protected Page<T>? Rows { get; private set; }

    /// <summary>Why they could not be read, or what an action was refused for.</summary>
    protected Problem? Problem { get; set; }

    /// <summary>Reads the rows that the address asks for.</summary>
    protected abstract Task<Result<Page<T>>> ReadAsync(Caller caller, ListUri address, CancellationToken cancellation);

    protected override Task OnInitializedAsync()
    {
        _path = new Uri(Navigation.Uri).AbsolutePath;
        if (!RendererInfo.IsInteractive) return Task.CompletedTask; // while prerendering a skeleton is shown
        Navigation.LocationChanged += AddressChanged;
        return ReloadAsync();
    }

    /// <summary>Reads again; what was being read is given up.</summary>
    protected async Task ReloadAsync()
    {
        var reading = new CancellationTokenSource();
        Interlocked.Exchange(ref _reading, reading).Cancel();
        try
        {
            var result = await ReadAsync(await Callers.GetAsync(), ListUri.Of(Navigation), reading.Token);
            if (reading.IsCancellationRequested) return;
            Problem = result.Problem;
            if (result.Ok) Rows = result.Value;
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            // the address changed again
        }
        catch (UnauthorizedAccessException)
        {
            // the session ended; the page is being replaced by the way to sign in
        }
    }

    private void AddressChanged(object? sender, LocationChangedEventArgs e)
    {
        if (new Uri(e.Location).AbsolutePath == _path)
            _ = InvokeAsync(async () =>
            {
                await ReloadAsync();
                StateHasChanged();
            });
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        Navigation.LocationChanged -= AddressChanged;
        _reading.Cancel();
        GC.SuppressFinalize(this);
    }
}
