using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.AspNetCore.Components.Routing;
using Microsoft.Extensions.Options;
using Microsoft.JSInterop;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Plugins;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Takes files from the browser into a bucket. The files themselves go by HTTP, past the page's connection.</summary>
public sealed partial class BucketUpload : IAsyncDisposable
{
    private const int MostListing = 4 << 20, MostShown = 100;
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);
    private ElementReference _button, _input;
    private ConfirmDialog _confirm = default!;
    private DotNetObjectReference<BucketUpload>? _self;
    private IJSObjectReference? _upload;
    private IReadOnlyList<ObjectUpload> _files = [];
    private Problem? _problem;
    private long _sent;
    private int _leftOut;
    private bool _busy, _stopped;

    [Inject] private WorkerBuckets Buckets { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private AntiforgeryStateProvider Antiforgery { get; set; } = default!;
    [Inject] private IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> Json { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;
    [Inject] private TimeProvider Clock { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>The bucket's name.</summary>
    [Parameter, EditorRequired] public string Bucket { get; set; } = "";

    /// <summary>What the keys of chosen files begin with.</summary>
    [Parameter] public string Prefix { get; set; } = "";

    /// <summary>Objects were put.</summary>
    [Parameter] public EventCallback Changed { get; set; }

    /// <summary>What the head says.</summary>
    [Parameter] public RenderFragment? ChildContent { get; set; }

    private long Total => _files.Where(f => f.State is UploadState.Put or UploadState.Sending or UploadState.Waiting).Sum(f => f.Bytes);

    private long Done => _files.Where(f => f.State is UploadState.Put).Sum(f => f.Bytes) + Math.Min(_sent, _files.FirstOrDefault(f => f.State is UploadState.Sending)?.Bytes ?? 0);

    private IEnumerable<ObjectUpload> Shown => _files.Where(f => f.State is not (UploadState.Put or UploadState.Waiting));

    private string Summary
    {
        get
        {
            var put = _files.Count(f => f.State is UploadState.Put);
            var left = _leftOut > 0 ? $" {Words.Number(_leftOut)} more were left out: choose at most {Words.Number(_files.Count)} at once." : "";
            return (put == _files.Count ? $"{Count(put, "file")} put." : $"{Words.Number(put)} of {Count(_files.Count, "file")} put.") + left;
        }
    }

    /// <summary>Called by the browser: which files were chosen or dropped.</summary>
    [JSInvokable]
    public async Task Chosen(IJSStreamReference listing)
    {
        await using var stream = await listing.OpenReadStreamAsync(MostListing);
        if (await JsonSerializer.DeserializeAsync<Choice>(stream) is not { Files.Count: > 0 } choice || _busy) return;
        _files = [.. choice.Files.Select((f, i) => new ObjectUpload(i, Prefix + f.Path, f.Bytes))];
        (_leftOut, _problem, _sent, _busy, _stopped) = (choice.LeftOut, null, 0, true, false);
        StateHasChanged();
        try { await SendAsync(); }
        catch (Exception e) when (e is JSDisconnectedException or OperationCanceledException) { return; } // the browser is gone
        finally { _busy = false; }
        await Changed.InvokeAsync();
        StateHasChanged();
    }

    /// <summary>Called by the browser while it sends: bytes of the file so far.</summary>
    [JSInvokable]
    public void Progress(long sent)
    {
        _sent = sent;
        StateHasChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_upload is { } upload) { await upload.InvokeVoidAsync("close"); await upload.DisposeAsync(); }
        }
        catch (JSDisconnectedException) { /* the browser is gone, and its uploads with it */ }
        _self?.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        _self = DotNetObjectReference.Create(this);
        await using var module = await Script.InvokeAsync<IJSObjectReference>("import", "./js/object-upload.js");
        _upload = await module.InvokeAsync<IJSObjectReference>("attach", _button, _input, _self);
        StateHasChanged();
    }

    private async Task SendAsync()
    {
        var caller = await Callers.GetAsync();
        if (!(await Buckets.GetAsync(caller, Bucket, CancellationToken.None)).TryGet(out var bucket, out _problem)) return;
        if (!(await Buckets.FindObjectsAsync(caller, Bucket, [.. _files.Select(f => f.Key)], CancellationToken.None)).TryGet(out var there, out _problem)) return;
        await AskAsync([.. _files.Where(f => there.ContainsKey(f.Key))]);
        ObjectUpload.Judge([.. _files.Where(f => f.State is UploadState.Waiting)], bucket, there);
        var told = Clock.GetTimestamp();
        foreach (var file in _files.Where(f => f.State is UploadState.Waiting))
        {
            if (_stopped) { file.State = UploadState.Stopped; continue; }
            (_sent, file.State) = (0, UploadState.Sending);
            StateHasChanged();
            var path = $"buckets/{Uri.EscapeDataString(Bucket)}/content?key={Uri.EscapeDataString(file.Key)}";
            // However long it takes: an ordinary call of the browser is given up after a minute.
            var answer = await _upload!.InvokeAsync<UploadAnswer>("send", Timeout.InfiniteTimeSpan, file.Index, path, Antiforgery.GetAntiforgeryToken()?.Value ?? "", file.Replaces);
            file.Take(answer.Status, answer.Body, Json.Value.SerializerOptions);
            if (_stopped && file.State is UploadState.Failed) (file.State, file.Why) = (UploadState.Stopped, null);
            if (Clock.GetElapsedTime(told) < Between) continue;
            told = Clock.GetTimestamp();
            await Changed.InvokeAsync();
        }
    }

    /// <summary>Objects are replaced only when somebody said so; the other files are sent in any case.</summary>
    private async Task AskAsync(IReadOnlyList<ObjectUpload> clashing)
    {
        if (clashing.Count == 0) return;
        var objects = clashing.Count == 1 ? clashing[0].Key : Count(clashing.Count, "object");
        var which = clashing.Count == 1 ? "The bucket has an object of this key." : $"The bucket has objects of these keys: {string.Join(", ", clashing.Take(5).Select(f => f.Key))}{(clashing.Count > 5 ? " and more" : "")}.";
        var replace = await _confirm.AskAsync($"Replace {objects}?", $"{which} What it holds now is lost; nothing brings it back.", $"Replace {objects}", danger: true);
        foreach (var file in clashing)
            (file.Replaces, file.State, file.Why) = replace ? (true, UploadState.Waiting, null) : (false, UploadState.Kept, "The bucket has an object of this key, which was kept as it is.");
    }

    private async Task StopAsync()
    {
        _stopped = true;
        if (_upload is { } upload) await upload.InvokeVoidAsync("stop");
    }

    // Another folder or tab of the same bucket does no harm.
    private async Task LeavingAsync(LocationChangingContext leaving)
    {
        if (!_busy || Navigation.ToAbsoluteUri(leaving.TargetLocation).AbsolutePath == new Uri(Navigation.Uri).AbsolutePath) return;
        if (!await _confirm.AskAsync("Leave while files are on their way?", "What has not been put is not sent then.", "Leave the page", danger: true)) leaving.PreventNavigation();
    }

    private static string Count(int count, string word) => $"{Words.Number(count)} {word}{(count == 1 ? "" : "s")}";

    private static (string Word, Meaning Meaning) Told(ObjectUpload file) => file.State switch
    {
        UploadState.Sending => ("sending", Meaning.Running),
        UploadState.Kept => ("kept", Meaning.Off),
        UploadState.Stopped => ("stopped", Meaning.Off),
        _ => ("not put", Meaning.Failed),
    };

    private sealed record Choice(int LeftOut, IReadOnlyList<ChosenFile> Files);

    private sealed record ChosenFile(string Path, long Bytes);
}
