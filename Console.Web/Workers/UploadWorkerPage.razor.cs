using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Options;
using Microsoft.JSInterop;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Takes a wrangler project folder from the browser and deploys it.</summary>
public sealed partial class UploadWorkerPage : IAsyncDisposable
{
    private const int MostListing = 16 << 20;
    private ElementReference _input;
    private DotNetObjectReference<UploadWorkerPage>? _self;
    private IJSObjectReference? _module, _folder;
    private IReadOnlyList<FolderFile> _files = [];
    private UploadOutcome? _outcome;
    private Problem? _problem;
    private string _name = "", _environment = "";
    private long? _sent;
    private int _skipped;
    private bool _busy;

    [Inject] private WorkerProjects Projects { get; set; } = default!;
    [Inject] private IOptions<WorkersOptions> Options { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>Called by the browser: what the chosen folder holds.</summary>
    [JSInvokable]
    public async Task Chosen(IJSStreamReference listing)
    {
        await using var stream = await listing.OpenReadStreamAsync(MostListing);
        var folder = await JsonSerializer.DeserializeAsync<Folder>(stream);
        (_files, _skipped, _outcome, _problem) = (folder?.Files ?? [], folder?.Skipped ?? 0, null, null);
        StateHasChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_folder is { } folder) { await folder.InvokeVoidAsync("close"); await folder.DisposeAsync(); }
            if (_module is not null) await _module.DisposeAsync();
        }
        catch (JSDisconnectedException) { /* the browser is gone */ }
        _self?.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        _self = DotNetObjectReference.Create(this);
        _module = await Script.InvokeAsync<IJSObjectReference>("import", "./js/folder-upload.js");
        _folder = await _module.InvokeAsync<IJSObjectReference>("watch", _input, _self);
    }

    private async Task SendAsync(bool deploy)
    {
        if (_busy || _folder is null) return;
        (_busy, _outcome, _problem, _sent) = (true, null, null, 0);
        try
        {
            var bytes = _files.Sum(f => f.Bytes);
            if (bytes > Options.Value.UploadBytes) { _problem = Problem.TooLarge($"The folder has {bytes} bytes; an upload may have {Options.Value.UploadBytes}. Leave out what the worker does not import, or raise Quarterdeck:Workers:UploadBytes."); return; }
            var files = await ReadAsync(bytes);
            _sent = null;
            StateHasChanged();
            var sent = await Projects.DeployAsync(await Callers.GetAsync(), files, _name.Length > 0 ? _name : null, _environment.Length > 0 ? _environment : null, deploy, CancellationToken.None);
            _outcome = sent.TryGet(out var made, out _problem) ? made : null;
        }
        catch (Exception e) when (e is JSException or EndOfStreamException) { _problem = Problem.Conflict("The folder changed", "A file in it could not be read as it was chosen. Choose the folder again."); }
        finally { (_busy, _sent) = (false, null); }
    }

    private async Task<IReadOnlyList<UploadedFile>> ReadAsync(long bytes)
    {
        if (bytes == 0) return [.. _files.Select(f => new UploadedFile(f.Path, default))];
        var reference = await _folder!.InvokeAsync<IJSStreamReference>("read");
        await using var stream = await reference.OpenReadStreamAsync(bytes);
        var files = new List<UploadedFile>(_files.Count);
        var (sent, told) = (0L, 0L);
        foreach (var file in _files)
        {
            var content = new byte[file.Bytes];
            await stream.ReadExactlyAsync(content);
            files.Add(new UploadedFile(file.Path, content));
            _sent = sent += file.Bytes;
            if (sent - told < 1 << 20) continue;
            told = sent;
            StateHasChanged();
        }
        return files;
    }

    private sealed record Folder(int Skipped, IReadOnlyList<FolderFile> Files);

    private sealed record FolderFile(string Path, long Bytes);
}
