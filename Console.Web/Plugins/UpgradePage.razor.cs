using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.Extensions.Options;
using Microsoft.JSInterop;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Plugins;

/// <summary>Choose a newer package of a plug-in, see what it asks for, upload it once, and watch it take over or go back.</summary>
public sealed partial class UpgradePage : IAsyncDisposable
{
    private enum Stage { Choose, Looking, Ask, Uploading, Following }

    private readonly UpgradeForm _form = new();
    private ElementReference _input;
    private DotNetObjectReference<UpgradePage>? _self;
    private IJSObjectReference? _upload;
    private Stage _stage;
    private string _fileName = "";
    private long _fileBytes, _sent, _total;
    private Plugin? _plugin;
    private OvaInspection? _package;
    private Guid? _operation;
    private Problem? _problem;
    private Caller? _caller;
    private bool _busy;

    [Inject] private PluginRegistry Registry { get; set; } = default!;
    [Inject] private PermissionCatalogue Catalogue { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private AntiforgeryStateProvider Antiforgery { get; set; } = default!;
    [Inject] private IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> Json { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>The plug-in.</summary>
    [Parameter] public Guid Id { get; set; }

    private string Token => Antiforgery.GetAntiforgeryToken()?.Value ?? "";

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _caller = await Callers.GetAsync();
        if ((await Registry.MayUpgradeAsync(_caller, Id, CancellationToken.None)).Problem is { } refused) _problem = refused;
        else (await Registry.GetAsync(_caller, Id, CancellationToken.None)).TryGet(out _plugin, out _problem);
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        _self = DotNetObjectReference.Create(this);
        await using var module = await Script.InvokeAsync<IJSObjectReference>("import", "./js/appliance-upload.js");
        _upload = await module.InvokeAsync<IJSObjectReference>("attach", _input, _self);
        await _upload.InvokeVoidAsync("begin");
    }

    /// <summary>Called by the browser: a file was chosen.</summary>
    [JSInvokable]
    public async Task FileChosen(string name, long bytes)
    {
        if (_plugin is null) return;
        (_fileName, _fileBytes, _problem) = (name, bytes, null);
        Show(Stage.Looking);
        var answer = await _upload!.InvokeAsync<UploadAnswer>("inspect", "appliances/uploads/head", Token);
        _problem = answer.Status == 200 ? null : answer.Refusal(Json.Value.SerializerOptions);
        if (_problem is null)
        {
            _package = JsonSerializer.Deserialize<OvaInspection>(answer.Body, Json.Value.SerializerOptions)!;
            _form.Begin(_package, _plugin);
        }
        Show(_problem is null ? Stage.Ask : Stage.Choose);
    }

    /// <summary>Called by the browser while it sends: bytes done and in all.</summary>
    [JSInvokable]
    public void UploadProgress(long done, long total)
    {
        (_sent, _total) = (done, total);
        StateHasChanged();
    }

    private async Task UpgradeAsync()
    {
        if (_busy || _upload is null) return;
        _busy = true;
        try
        {
            (_sent, _total, _operation, _problem) = (0, _fileBytes, null, null);
            Show(Stage.Uploading);
            var answer = await _upload.InvokeAsync<UploadAnswer>("deploy", $"appliances/uploads/upgrade/{Id:D}", Token, JsonSerializer.Serialize(_form.Read(), Json.Value.SerializerOptions));
            if (answer.Status == 202) _operation = JsonSerializer.Deserialize<AcceptedOperation>(answer.Body, Json.Value.SerializerOptions)!.OperationId;
            else _problem = answer.Refusal(Json.Value.SerializerOptions);
            Show(_operation is null ? Stage.Ask : Stage.Following);
        }
        finally { _busy = false; }
    }

    private void Toggle((string Key, bool On) ticked)
    {
        if (ticked.On) _form.Approved.Add(ticked.Key);
        else _form.Approved.Remove(ticked.Key);
    }

    private bool MayGrant(string key) => Catalogue.Find(key) is { } permission && _caller?.May(permission) is true;

    private async Task StopAsync() => await _upload!.InvokeVoidAsync("stop");

    private async Task AgainAsync()
    {
        (_package, _problem, _operation) = (null, null, null);
        await _upload!.InvokeVoidAsync("clear");
        Show(Stage.Choose);
    }

    private void Show(Stage stage)
    {
        _stage = stage;
        StateHasChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_upload is not null) await _upload.DisposeAsync();
        }
        catch (JSDisconnectedException) { /* the browser is gone, and its upload with it */ }
        _self?.Dispose();
    }
}
