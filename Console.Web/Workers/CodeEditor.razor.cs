using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Workers;

/// <summary>The editor: its text lives in the browser while it is typed, and in <see cref="Draft"/> a moment later.</summary>
public sealed partial class CodeEditor : IAsyncDisposable
{
    private const long MostBytes = 32 << 20;
    private ElementReference _host;
    private DotNetObjectReference<CodeEditor>? _self;
    private IJSObjectReference? _module, _editor;
    private ConfirmDialog _confirm = default!;
    private CodeDraft? _shown;
    private string? _naming, _wrong;
    private bool _open;

    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>The code.</summary>
    [Parameter, EditorRequired] public required CodeDraft Draft { get; set; }

    /// <summary>Under which name typed text survives a reload; null to keep none.</summary>
    [Parameter] public string? KeptAs { get; set; }

    /// <summary>Whether it can only be read.</summary>
    [Parameter] public bool ReadOnly { get; set; }

    /// <summary>Raised after something was typed.</summary>
    [Parameter] public EventCallback Typed { get; set; }

    /// <summary>Raised on Ctrl+S.</summary>
    [Parameter] public EventCallback Saved { get; set; }

    /// <summary>A bar below: what can be done with the code.</summary>
    [Parameter] public RenderFragment? Foot { get; set; }

    /// <summary>Waits until everything that was typed is in <see cref="Draft"/>.</summary>
    public async Task FlushAsync()
    {
        if (_editor is { } editor) await editor.InvokeVoidAsync("flush");
    }

    /// <summary>Everything is deployed: nothing is left to lose.</summary>
    public async Task ForgetDraftAsync()
    {
        Draft.Changed = false;
        if (KeptAs is not null && _module is not null) await _module.InvokeVoidAsync("dropDraft", KeptAs);
    }

    /// <summary>Marks a place in the code, or takes the marks of a module away.</summary>
    public async Task MarkAsync(string file, int line, int column, string? message)
    {
        if (_editor is not null && Draft.Files.Any(f => f.Name == file)) await _editor.InvokeVoidAsync("mark", file, line, column, message);
    }

    /// <summary>Called by the browser: text of a module.</summary>
    [JSInvokable]
    public async Task CodeChanged(string name, IJSStreamReference text)
    {
        if (Draft.Files.Find(f => f.Name == name) is not { Text: not null } file) return;
        await using var stream = await text.OpenReadStreamAsync(MostBytes);
        using var reader = new StreamReader(stream);
        file.Text = await reader.ReadToEndAsync();
        await ChangedAsync();
    }

    /// <summary>Called by the browser: Ctrl+S.</summary>
    [JSInvokable]
    public Task SaveWanted() => Saved.InvokeAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_editor is { } editor) { await editor.InvokeVoidAsync("close"); await editor.DisposeAsync(); }
            if (_module is not null) await _module.DisposeAsync();
        }
        catch (JSDisconnectedException) { /* the browser is gone, and the editor with it */ }
        _self?.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (ReferenceEquals(_shown, Draft)) return;
        _shown = Draft;
        _self ??= DotNetObjectReference.Create(this);
        _module ??= await Script.InvokeAsync<IJSObjectReference>("import", "./js/code-editor.js");
        if (KeptAs is not null && !Draft.Changed && await _module.InvokeAsync<string?>("draftOf", KeptAs) is { } kept && Draft.Take(kept)) await Typed.InvokeAsync();
        if (_editor is { } old) { await old.InvokeVoidAsync("close"); await old.DisposeAsync(); }
        _editor = await _module.InvokeAsync<IJSObjectReference>("open", _host, _self, Draft.Files.Where(f => f.Text is not null).Select(f => new { name = f.Name, text = f.Text }), Draft.Chosen, ReadOnly, Draft.Env);
        _open = true;
        StateHasChanged();
    }

    private async Task ShowAsync(string name)
    {
        if (_editor is null || Draft.Files.Find(f => f.Name == name) is not { Text: { } text }) return;
        Draft.Chosen = name;
        await _editor.InvokeVoidAsync("show", name, text);
    }

    private async Task AddAsync()
    {
        var name = _naming?.Trim() ?? "";
        if ((_wrong = Draft.WrongName(name)) is not null) return;
        Draft.Files.Add(new CodeFile(name, ""));
        _naming = null;
        await ShowAsync(name);
        await ChangedAsync();
    }

    private async Task RemoveAsync()
    {
        var name = Draft.Chosen;
        if (!await _confirm.AskAsync($"Remove module {name}?", "Versions that were made before keep it.", $"Remove {name}", danger: true)) return;
        await ShowAsync(Draft.Main);
        Draft.Files.RemoveAll(f => f.Name == name);
        if (_editor is not null) await _editor.InvokeVoidAsync("remove", name);
        await ChangedAsync();
    }

    private async Task ChangedAsync()
    {
        Draft.Changed = true;
        if (KeptAs is not null && _module is not null) await _module.InvokeVoidAsync("keepDraft", KeptAs, Draft.ToJson());
        await Typed.InvokeAsync();
        StateHasChanged();
    }
}
