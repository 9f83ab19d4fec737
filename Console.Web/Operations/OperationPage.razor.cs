using Microsoft.AspNetCore.Components;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Operations;

/// <summary>One operation, live: state, progress, steps, parts, log, result; cancel and retry.</summary>
public sealed partial class OperationPage : LiveComponent
{
    private LiveView<OperationInfo> _view = default!;
    private ProgressRate _rate = default!;
    private ConfirmDialog _confirm = default!;
    private Problem? _problem;
    private OperationInfo? _rated;
    private Guid _shown;
    private bool _may;

    /// <summary>The operation.</summary>
    [Parameter] public Guid Id { get; set; }

    [Inject] private OperationReader Reader { get; set; } = default!;
    [Inject] private OperationQueue Queue { get; set; } = default!;
    [Inject] private EventStream<OperationInfo> Stream { get; set; } = default!;
    [Inject] private TimeProvider Clock { get; set; } = default!;

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        _rate = new ProgressRate(Clock);
        _view = ViewOne(Stream, () => Id.ToString(), (caller, cancellation) => Reader.GetAsync(caller, Id, cancellation));
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (_shown == Id) return;
        (_shown, _problem) = (Id, null);
        Refresh(_view);
    }

    /// <inheritdoc/>
    protected override bool ShouldRender()
    {
        if (_view.Item is { } item && !ReferenceEquals(item, _rated))
        {
            _rated = item;
            _rate.Add(item.State is OperationState.Running ? item.Progress : null);
        }
        return true;
    }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        var caller = await Callers.GetAsync();
        var operation = await Reader.GetAsync(caller, Id, CancellationToken.None);
        _may = operation.TryGet(out var found, out _) && Reader.Kinds.FirstOrDefault(k => k.Key == found.Kind) is { } kind && caller.May(kind.Permission);
    }

    private async Task CancelAsync(OperationInfo operation)
    {
        if (!await _confirm.AskAsync($"Cancel '{operation.Title}' of {operation.TargetName}?", "What it has made so far is removed.", "Cancel the operation", danger: true)) return;
        _problem = (await Queue.CancelAsync(await Callers.GetAsync(), operation.Id, CancellationToken.None)).Problem;
    }

    private async Task RetryAsync(OperationInfo operation) =>
        _problem = (await Queue.RetryAsync(await Callers.GetAsync(), operation.Id, CancellationToken.None)).Problem;
}
