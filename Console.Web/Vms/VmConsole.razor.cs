using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Hosts;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Vms;

/// <summary>The VM's screen: noVNC in the browser, opened while the VM runs and closed with the page.</summary>
public sealed partial class VmConsole : IAsyncDisposable
{
    private const string FocusId = "console-focus";

    private static readonly (string Text, string[] Keys)[] Chords =
    [
        ("Ctrl+Alt+Delete", ["control", "alt", "65535"]),
        ("Ctrl+Alt+Backspace", ["control", "alt", "65288"]),
        ("Ctrl+Alt+F1", ["control", "alt", "65470"]),
        ("Ctrl+Alt+F2", ["control", "alt", "65471"]),
        ("Ctrl+Alt+F7", ["control", "alt", "65476"]),
        ("Alt+Tab", ["alt", "65289"]),
        ("Alt+F4", ["alt", "65473"]),
        ("Super", ["super"]),
        ("Escape", ["65307"]),
        ("Tab", ["65289"]),
        ("Print screen", ["65377"]),
    ];

    private ElementReference _frame;
    private DotNetObjectReference<VmConsole>? _self;
    private IJSObjectReference? _module, _screen;
    private Guid? _openFor;
    private string _state = "connecting", _detail = "";
    private string? _text;
    private bool _clipboard;

    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>The VM.</summary>
    [Parameter, EditorRequired] public required Vm Vm { get; set; }

    private bool Connected => _state == "connected";
    private bool Shown => Vm.HasConsole && Vm.State is VmState.Running or VmState.Paused;

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (Shown && _openFor == Vm.Id) return;
        if (_openFor is not null) await CloseAsync(); // off, or another VM: the frame it drew into is gone
        if (!Shown) return;
        _openFor = Vm.Id;
        _self ??= DotNetObjectReference.Create(this);
        _module ??= await Script.InvokeAsync<IJSObjectReference>("import", "./js/vnc-console.js");
        _screen = await _module.InvokeAsync<IJSObjectReference>("open", _frame, _self, $"vms/{Vm.Id}/console");
    }

    /// <summary>Called by the browser: the connection's state (connecting, connected, waiting, stopped) and why.</summary>
    [JSInvokable]
    public void ConsoleChanged(string state, string detail)
    {
        (_state, _detail) = (state, detail);
        StateHasChanged();
    }

    /// <summary>Called by the browser: the guest put text on its clipboard.</summary>
    [JSInvokable]
    public void GuestCopied(string text)
    {
        _text = text;
        StateHasChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await CloseAsync();
            if (_module is not null) await _module.DisposeAsync();
        }
        catch (JSDisconnectedException) { /* the browser is gone, and its console with it */ }
        _self?.Dispose();
    }

    private async Task CloseAsync()
    {
        (_openFor, _state, _detail) = (null, "connecting", "");
        if (_screen is not { } screen) return;
        _screen = null;
        await screen.InvokeVoidAsync("close");
        await screen.DisposeAsync();
    }

    private Task ConnectAsync() => AskAsync("connect");
    private Task FocusAsync() => AskAsync("focus");
    private Task FullScreenAsync() => AskAsync("fullScreen");
    private Task ChordAsync(params string[] keys) => AskAsync("chord", (object)keys);
    private Task TypeAsync() => AskAsync("type", _text ?? "");
    private Task CopyAsync() => AskAsync("clipboard", _text ?? "");

    private async Task AskAsync(string what, params object[] with)
    {
        if (_screen is { } screen) await screen.InvokeVoidAsync(what, with);
    }

    private static Meaning Meaning(string state) => state switch
    {
        "connected" => Shared.Meaning.Ok,
        "connecting" => Shared.Meaning.Running,
        "waiting" => Shared.Meaning.Attention,
        _ => Shared.Meaning.Off,
    };

    private static string Explain(string state) => state switch
    {
        "connecting" => "Connecting to the screen…",
        "waiting" => "The screen went away. Trying again…",
        _ => "The screen cannot be shown now.",
    };
}
