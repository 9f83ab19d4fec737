using Microsoft.AspNetCore.Components;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Reads a worker's durable objects when it is opened, and removes single ones.</summary>
public sealed partial class WorkerObjectsTab
{
    private const int Slice = 50;
    private ConfirmDialog _confirm = default!;
    private ObjectReport? _report;
    private List<ObjectInfo> _objects = [];
    private Problem? _problem;
    private string? _class, _next;
    private bool _busy, _reading;

    [Inject] private WorkerObjects Objects { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;

    /// <summary>The worker.</summary>
    [Parameter, EditorRequired] public required Worker Worker { get; set; }

    /// <summary>Whether the person may delete objects.</summary>
    [Parameter, EditorRequired] public bool Manages { get; set; }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        await ReadAsync();
        StateHasChanged();
    }

    private async Task ReadAsync()
    {
        if (!(await Objects.GetAsync(await Callers.GetAsync(), Worker.Name, CancellationToken.None)).TryGet(out var report, out _problem)) return;
        _report = report;
        // One class needs no choice.
        if ((_class ?? (report.Classes.Count == 1 ? report.Classes[0].Class : null)) is { } shown) await OpenAsync(shown);
    }

    private async Task OpenAsync(string name)
    {
        (_class, _objects, _next, _reading) = (name, [], null, true);
        await MoreAsync();
        if (_class == name) _reading = false;
    }

    private async Task MoreAsync()
    {
        var asked = _class;
        var got = await Objects.ListAsync(await Callers.GetAsync(), Worker.Name, asked!, _next, Slice, CancellationToken.None);
        // Somebody who clicked on meanwhile looks at another class.
        if (asked != _class || !got.TryGet(out var slice, out _problem)) return;
        _objects.AddRange(slice.Items);
        _next = slice.Next;
    }

    private async Task DeleteAsync(ObjectInfo one)
    {
        var called = one.Name ?? one.Id[..12];
        if (_busy || !await _confirm.AskAsync($"Delete object {called}?", "All that it stored goes with it, and its web sockets are closed. Called again, it begins anew.", $"Delete {called}", danger: true)) return;
        _busy = true;
        try
        {
            _problem = (await Objects.DeleteAsync(await Callers.GetAsync(), Worker.Name, _class!, one.Id, CancellationToken.None)).Problem;
            if (_problem is null) await ReadAsync();
        }
        finally { _busy = false; }
    }
}
