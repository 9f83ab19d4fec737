using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>A plug-in's page in a frame: its ticket, its state, and what it says over the bridge.</summary>
public sealed partial class PluginFrame : IAsyncDisposable
{
    private const int MostNotices = 3;
    private static readonly TimeSpan RenewPause = TimeSpan.FromSeconds(10);

    private readonly List<Notice> _notices = [];
    private ElementReference _frame;
    private DotNetObjectReference<PluginFrame>? _self;
    private IJSObjectReference? _module, _view;
    private Problem? _problem;
    private string _at = "";
    private string? _asked;
    private bool _loaded, _opening, _disposed;
    private DateTimeOffset _renewed;

    [Inject] private IJSRuntime Script { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private UiVisits Visits { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;
    [Inject] private TimeProvider Time { get; set; } = default!;

    /// <summary>Whose page.</summary>
    [Parameter, EditorRequired] public required Plugin Plugin { get; set; }

    /// <summary>The page's path in the plug-in's UI.</summary>
    [Parameter, EditorRequired] public required string Path { get; set; }

    /// <summary>What the frame is, for those who do not see it.</summary>
    [Parameter, EditorRequired] public required string Label { get; set; }

    /// <summary>Counts up when somebody wants <see cref="Path"/>, also again after the page went elsewhere by itself.</summary>
    [Parameter] public int Wish { get; set; }

    /// <summary>Whether the console's address follows the page's: on its own page, not on tabs and cards.</summary>
    [Parameter] public bool Follows { get; set; }

    /// <summary>On an object's tab: <c>vm</c> or <c>host</c>.</summary>
    [Parameter] public string? ObjectKind { get; set; }

    /// <summary>On an object's tab: its id.</summary>
    [Parameter] public Guid? ObjectId { get; set; }

    /// <summary>A fixed height; null fills the room there is.</summary>
    [Parameter] public int? HeightPx { get; set; }

    /// <summary>Told the page's title.</summary>
    [Parameter] public EventCallback<string> TitleChanged { get; set; }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        var wanted = $"{Wish} {Path}";
        if (_opening || _asked == wanted) return;
        (_opening, _asked) = (true, wanted);
        try
        {
            if (_view is null) await OpenAsync();
            else if (Path != _at) await _view.InvokeVoidAsync("go", Path);
        }
        catch (JSDisconnectedException) { /* the browser is gone */ }
        finally { _opening = false; }
    }

    private async Task OpenAsync()
    {
        var issued = await Visits.TicketAsync(await Callers.GetAsync(), Plugin.Id, CancellationToken.None);
        if (!issued.TryGet(out var ticket, out _problem))
        {
            StateHasChanged();
            return;
        }
        _self ??= DotNetObjectReference.Create(this);
        _module ??= await Script.InvokeAsync<IJSObjectReference>("import", "./js/plugin-frame.js");
        if (_disposed) return;
        _view = await _module.InvokeAsync<IJSObjectReference>("open", _frame, _self, new
        {
            prefix = $"{UiAddress.Root}/{ticket}", path = Path, address = Follows ? PluginLinks.Root(Plugin.Id) : null,
            context = ObjectId is null ? null : new { @object = ObjectKind, id = ObjectId },
        });
    }

    /// <summary>A new ticket, and the page again where it was.</summary>
    private async Task RenewAsync()
    {
        var issued = await Visits.TicketAsync(await Callers.GetAsync(), Plugin.Id, CancellationToken.None);
        if (!issued.TryGet(out var ticket, out _problem)) return;
        if (_view is null) await OpenAsync();
        else await _view.InvokeVoidAsync("renew", $"{UiAddress.Root}/{ticket}", _at.Length > 0 ? _at : Path);
    }

    /// <summary>The browser: the page is there.</summary>
    [JSInvokable]
    public void Loaded()
    {
        _loaded = true;
        StateHasChanged();
    }

    /// <summary>The page: its path changed.</summary>
    [JSInvokable]
    public void Located(string path) => _at = Short(path, 2000);

    /// <summary>The page: its title.</summary>
    [JSInvokable]
    public Task Titled(string title) => TitleChanged.InvokeAsync(Short(title, 80));

    /// <summary>The page: tell the person something.</summary>
    [JSInvokable]
    public void Notified(string kind, string text) => Show(kind switch
    {
        "success" => new Notice("ok", "check", Short(text, 300)),
        "warning" => new Notice("warn", "warning", Short(text, 300)),
        "error" => new Notice("bad", "warning", Short(text, 300)),
        _ => new Notice("", "info", Short(text, 300)),
    });

    /// <summary>The page, on a tab or card: show another of its pages.</summary>
    [JSInvokable]
    public void Navigated(string path)
    {
        if (PluginLinks.IsPath(path)) Navigation.NavigateTo(PluginLinks.To(Plugin.Id, path));
    }

    /// <summary>The page: open an object of the console. Without a person's doing it becomes a link.</summary>
    [JSInvokable]
    public void Opened(string kind, string id, bool byPerson)
    {
        if (!Guid.TryParse(id, out var known) || kind is not ("operation" or "vm" or "host")) return;
        var href = $"{kind}s/{known}";
        if (byPerson) Navigation.NavigateTo(href);
        else Show(new Notice("", "info", kind == "operation" ? "started an operation." : $"points to a {(kind == "vm" ? "VM" : "host")}.", href));
    }

    /// <summary>The page said far too much.</summary>
    [JSInvokable]
    public void Flooded() => Show(new Notice("warn", "warning", "its page floods the console with messages and is not listened to any more. Load it again to change that."));

    /// <summary>The proxy: the ticket has ended. While the page may still be shown there is a new one.</summary>
    [JSInvokable]
    public async Task Ended()
    {
        if (Time.GetUtcNow() - _renewed < RenewPause) return;
        _renewed = Time.GetUtcNow();
        await RenewAsync();
        StateHasChanged();
    }

    private void Show(Notice notice)
    {
        if (_notices.Count >= MostNotices) _notices.RemoveAt(0);
        _notices.Add(notice);
        StateHasChanged();
    }

    private static string Short(string? text, int most) => text is null ? "" : text.Length > most ? text[..most] : text;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        try
        {
            if (_view is not null) await _view.InvokeVoidAsync("close");
            if (_view is not null) await _view.DisposeAsync();
            if (_module is not null) await _module.DisposeAsync();
        }
        catch (JSDisconnectedException) { /* the browser is gone, and its frame with it */ }
        _self?.Dispose();
    }

    private sealed record Notice(string Css, string Icon, string Text, string? Href = null);
}
