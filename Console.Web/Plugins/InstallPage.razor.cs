using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.Extensions.Options;
using Microsoft.JSInterop;
using Quarterdeck.Appliances;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Hosts;

namespace Quarterdeck.Web.Plugins;

/// <summary>Choose a package, answer what it asks, upload it once, and watch it become ready.</summary>
public sealed partial class InstallPage : IAsyncDisposable
{
    private enum Stage { Choose, Looking, Ask, Uploading, Following }

    /// <summary>What the browser got as an answer; status 0 when there was none.</summary>
    private sealed record Answer(int Status, string Body);

    private readonly InstallForm _form = new();
    private ElementReference _input;
    private DotNetObjectReference<InstallPage>? _self;
    private IJSObjectReference? _upload;
    private Stage _stage;
    private string _fileName = "";
    private long _fileBytes, _sent, _total;
    private OvaInspection? _package;
    private IReadOnlyList<HostInfo> _hosts = [];
    private IReadOnlyList<string> _networks = ["user"];
    private Guid? _operation;
    private Problem? _problem;
    private bool _busy;

    [Inject] private HostRegistry Hosts { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private AntiforgeryStateProvider Antiforgery { get; set; } = default!;
    [Inject] private IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> Json { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    private string Token => Antiforgery.GetAntiforgeryToken()?.Value ?? "";

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
        (_fileName, _fileBytes, _stage, _problem) = (name, bytes, Stage.Looking, null);
        StateHasChanged();
        var caller = await Callers.GetAsync();
        if (!(await Hosts.ListAsync(caller, new PageQuery(1, PageQuery.MaxSize, "name"), CancellationToken.None)).TryGet(out var hosts, out _problem))
        {
            Show(Stage.Choose);
            return;
        }
        _hosts = hosts.Items;
        var answer = await _upload!.InvokeAsync<Answer>("inspect", "appliances/uploads/head", Token);
        _problem = answer.Status == 200 ? null : Refusal(answer);
        if (_problem is null)
        {
            _package = JsonSerializer.Deserialize<OvaInspection>(answer.Body, Json.Value.SerializerOptions)!;
            _form.Begin(_package, name);
            await ChooseHostAsync(HostWords.Likely(_hosts)?.Id.ToString());
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
        _form.HostId = id;
        _networks = ["user"];
        if (!Guid.TryParse(id, out var host)) return;
        if ((await Hosts.NetworksAsync(await Callers.GetAsync(), host, CancellationToken.None)).TryGet(out var all, out _))
            _networks = [.. all.Select(n => n.Name), "user"];
        _form.Suggest(_networks[0]);
    }

    private async Task InstallAsync()
    {
        if (_busy || _upload is null) return;
        if (!_form.Read(_package!).TryGet(out var spec, out _problem)) return;
        _busy = true;
        try
        {
            (_sent, _total, _operation) = (0, _fileBytes, null);
            Show(Stage.Uploading);
            var answer = await _upload.InvokeAsync<Answer>("deploy", "appliances/uploads", Token, JsonSerializer.Serialize(spec, Json.Value.SerializerOptions));
            if (answer.Status == 202)
            {
                _operation = JsonSerializer.Deserialize<AcceptedOperation>(answer.Body, Json.Value.SerializerOptions)!.OperationId;
                Show(Stage.Following);
                return;
            }
            _problem = Refusal(answer);
            Show(Stage.Ask);
        }
        finally { _busy = false; }
    }

    private async Task StopAsync() => await _upload!.InvokeVoidAsync("stop");

    private Task AgainAsync()
    {
        (_package, _problem, _operation) = (null, null, null);
        Show(Stage.Choose);
        return Task.CompletedTask;
    }

    private void Show(Stage stage)
    {
        _stage = stage;
        StateHasChanged();
    }

    private Problem Refusal(Answer answer)
    {
        try
        {
            if (answer.Status > 0 && JsonSerializer.Deserialize<ProblemBody>(answer.Body, Json.Value.SerializerOptions) is { Title: not null } told)
                return new Problem(told.Errors is { Count: > 0 } ? ProblemKind.Invalid : ProblemKind.Conflict, told.Title, told.Detail, told.Errors ?? []);
        }
        catch (JsonException) { /* not ours: a proxy's page, for instance */ }
        return answer.Status == 0
            ? new Problem(ProblemKind.Unavailable, "The package was not read", $"{answer.Body} Choose it again.", [])
            : new Problem(ProblemKind.Unavailable, "The package was not taken", $"The console answered with status {answer.Status}. If a proxy stands in front of it, let it pass uploads of this size.", []);
    }
}
