using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Hosts;

/// <summary>Asks for a host's name and address, and leads to the new host.</summary>
public sealed partial class AddHostDialog
{
    private ElementReference _dialog;
    private bool _open, _busy;
    private string? _name, _uri;
    private Problem? _problem;

    [Inject] private HostRegistry Registry { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>Opens it empty.</summary>
    public async Task OpenAsync()
    {
        (_open, _name, _uri, _problem) = (true, null, null, null);
        StateHasChanged();
        await Task.Yield(); // let the content render before the dialog takes the focus
        await Script.InvokeVoidAsync("quarterdeck.openDialog", _dialog);
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var result = await Registry.AddAsync(await Callers.GetAsync(), new NewHost(_name, _uri), CancellationToken.None);
            if (!result.TryGet(out var host, out _problem)) return;
            await CloseAsync();
            Navigation.NavigateTo($"hosts/{host.Id}");
        }
        finally { _busy = false; }
    }

    private async Task CloseAsync() => await Script.InvokeVoidAsync("quarterdeck.closeDialog", _dialog);
}
