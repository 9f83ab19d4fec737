using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.Extensions.Options;
using Microsoft.JSInterop;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins;

/// <summary>Choose a package, and read what is wrong with it.</summary>
public sealed partial class ValidatePage : IAsyncDisposable
{
    private enum Stage { Choose, Checking, Told }

    private ElementReference _input;
    private DotNetObjectReference<ValidatePage>? _self;
    private IJSObjectReference? _upload;
    private Stage _stage;
    private string _fileName = "";
    private long _sent, _total;
    private PackageReport? _report;
    private Problem? _problem;

    [Inject] private AntiforgeryStateProvider Antiforgery { get; set; } = default!;
    [Inject] private IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> Json { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

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
        (_fileName, _sent, _total, _report, _problem, _stage) = (name, 0, bytes, null, null, Stage.Checking);
        StateHasChanged();
        var answer = await _upload!.InvokeAsync<UploadAnswer>("deploy", "appliances/uploads/validation", Antiforgery.GetAntiforgeryToken()?.Value ?? "", null);
        _report = answer.Status == 200 ? JsonSerializer.Deserialize<PackageReport>(answer.Body, Json.Value.SerializerOptions) : null;
        _problem = _report is null ? answer.Refusal(Json.Value.SerializerOptions) : null;
        _stage = _report is null ? Stage.Choose : Stage.Told;
        StateHasChanged();
    }

    /// <summary>Called by the browser while it sends: bytes done and in all.</summary>
    [JSInvokable]
    public void UploadProgress(long done, long total)
    {
        (_sent, _total) = (done, total);
        StateHasChanged();
    }

    private async Task StopAsync() => await _upload!.InvokeVoidAsync("stop");

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
