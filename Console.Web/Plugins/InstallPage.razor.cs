using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.Extensions.Options;
using Microsoft.JSInterop;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Hosts;

namespace Quarterdeck.Web.Plugins;

/// <summary>Choose a package, answer what it asks, upload it once, and watch it become ready.</summary>
public sealed partial class InstallPage : IAsyncDisposable
{
    private enum Stage { Choose, Looking, Ask, Uploading, Following }

    private readonly InstallForm _form = new();
    private ElementReference _input;
    private DotNetObjectReference<InstallPage>? _self;
    private IJSObjectReference? _upload;
    private Stage _stage;
    private string _fileName = "";
    private long _fileBytes, _sent, _total;
    private OvaInspection? _package;
    private InstallDraft? _kept;
    private IReadOnlyList<HostInfo> _hosts = [];
    private IReadOnlyList<string> _networks = ["user"];
    private Guid? _operation;
    private Problem? _problem;
    private Caller? _caller;
    private bool _busy;

    [Inject] private HostRegistry Hosts { get; set; } = default!;
    [Inject] private ApplianceImport Import { get; set; } = default!;
    [Inject] private PermissionCatalogue Catalogue { get; set; } = default!;
    [Inject] private SecretBox Secrets { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private AntiforgeryStateProvider Antiforgery { get; set; } = default!;
    [Inject] private IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> Json { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>The operation to follow, so that a page that is loaded anew still shows it.</summary>
    [SupplyParameterFromQuery(Name = "operation")] private Guid? Followed { get; set; }

    private string Token => Antiforgery.GetAntiforgeryToken()?.Value ?? "";

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (Followed is { } operation && _operation != operation) (_operation, _stage) = (operation, Stage.Following);
        else if (Followed is null && _stage is Stage.Following) _stage = Stage.Choose;
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        _caller = await Callers.GetAsync();
        _self = DotNetObjectReference.Create(this);
        await using var module = await Script.InvokeAsync<IJSObjectReference>("import", "./js/appliance-upload.js");
        _upload = await module.InvokeAsync<IJSObjectReference>("attach", _input, _self);
        _kept = InstallDraft.Open(await _upload.InvokeAsync<string?>("kept"), _caller, Secrets);
        if (_kept is not null) StateHasChanged();
        await _upload.InvokeVoidAsync("begin");
    }

    /// <summary>Called by the browser: a file was chosen.</summary>
    [JSInvokable]
    public async Task FileChosen(string name, long bytes)
    {
        (_fileName, _fileBytes, _stage, _problem) = (name, bytes, Stage.Looking, null);
        StateHasChanged();
        _caller = await Callers.GetAsync();
        if (!(await Hosts.ListAsync(_caller, new PageQuery(1, PageQuery.MaxSize, "name"), CancellationToken.None)).TryGet(out var hosts, out _problem))
        {
            Show(Stage.Choose);
            return;
        }
        _hosts = hosts.Items;
        var answer = await _upload!.InvokeAsync<UploadAnswer>("inspect", "appliances/uploads/head", Token);
        _problem = answer.Status == 200 ? null : answer.Refusal(Json.Value.SerializerOptions);
        if (_problem is null)
        {
            _package = JsonSerializer.Deserialize<OvaInspection>(answer.Body, Json.Value.SerializerOptions)!;
            _form.Begin(_package, name);
            if (_kept?.Package == Identity(_package)) _form.Restore(_kept, _package);
            await NetworksAsync(_hosts.Any(h => h.Id.ToString() == _form.HostId) ? _form.HostId : HostWords.Likely(_hosts)?.Id.ToString());
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

    private async Task ChooseHostAsync(string? id)
    {
        await NetworksAsync(id);
        await Keep(() => { });
    }

    private async Task NetworksAsync(string? id)
    {
        _form.HostId = id;
        _networks = ["user"];
        if (!Guid.TryParse(id, out var host)) return;
        if ((await Hosts.NetworksAsync(await Callers.GetAsync(), host, CancellationToken.None)).TryGet(out var all, out _))
            _networks = [.. all.Select(n => n.Name), "user"];
        _form.Suggest(_networks[0]);
    }

    /// <summary>Every answer is kept by the tab as it is given.</summary>
    private async Task Keep(Action change)
    {
        change();
        if (_upload is null || _package is null || _caller is null) return;
        await _upload.InvokeVoidAsync("keep", _form.Keep(Identity(_package)).Seal(_caller, Secrets));
    }

    private async Task ForgetAsync()
    {
        _kept = null;
        if (_upload is not null) await _upload.InvokeVoidAsync("keep", "");
    }

    private async Task InstallAsync()
    {
        if (_busy || _upload is null) return;
        _busy = true;
        try
        {
            // Judged before gigabytes are sent; the import judges again.
            if (!_form.Read(_package!).TryGet(out var spec, out _problem) || (_problem = (await Import.CheckAsync(await Callers.GetAsync(), spec, _package!, CancellationToken.None)).Problem) is not null)
            {
                await RefusedAsync();
                return;
            }
            (_sent, _total, _operation) = (0, _fileBytes, null);
            Show(Stage.Uploading);
            var answer = await _upload.InvokeAsync<UploadAnswer>("deploy", "appliances/uploads", Token, JsonSerializer.Serialize(spec, Json.Value.SerializerOptions));
            if (answer.Status == 202)
            {
                _operation = JsonSerializer.Deserialize<AcceptedOperation>(answer.Body, Json.Value.SerializerOptions)!.OperationId;
                await ForgetAsync();
                Show(Stage.Following);
                Navigation.NavigateTo($"plugins/install?operation={_operation:D}", replace: true);
                return;
            }
            _problem = answer.Refusal(Json.Value.SerializerOptions);
            Show(Stage.Ask);
            await RefusedAsync();
        }
        finally { _busy = false; }
    }

    private async Task RefusedAsync()
    {
        StateHasChanged();
        if (_problem!.Errors.FirstOrDefault(e => _form.Shows(e.Field)) is { } first) await FocusAsync(first.Field);
    }

    private async Task FocusAsync(string field) => await _upload!.InvokeVoidAsync("focusField", field);

    private async Task GoAsync(string section) => await _upload!.InvokeVoidAsync("focusSection", section);

    private async Task StopAsync() => await _upload!.InvokeVoidAsync("stop");

    private async Task AgainAsync()
    {
        (_package, _problem, _operation) = (null, null, null);
        await ForgetAsync();
        if (Followed is not null) Navigation.NavigateTo("plugins/install", replace: true);
        await _upload!.InvokeVoidAsync("clear");
        Show(Stage.Choose);
    }

    private void Show(Stage stage)
    {
        _stage = stage;
        StateHasChanged();
    }

    private bool MayGrant(string key) => Catalogue.Find(key) is { } permission && _caller?.May(permission) is true;
}
