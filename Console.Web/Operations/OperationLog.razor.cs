using Microsoft.AspNetCore.Components;
using Quarterdeck.Operations;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Operations;

/// <summary>The end of an operation's log; new lines come with each change of the operation.</summary>
public sealed partial class OperationLog : ComponentBase
{
    private const int Tail = 500;
    private List<LogLine> _lines = [];
    private Guid _shown;
    private bool _cut, _reading;

    /// <summary>The operation; its stream tells of new lines, too.</summary>
    [Parameter, EditorRequired] public OperationInfo Operation { get; set; } = default!;

    [Inject] private OperationReader Reader { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        // While one read is under way the next change waits for its turn: the read after it gets its lines, too.
        if (_reading || !RendererInfo.IsInteractive) return;
        _reading = true;
        try
        {
            for (OperationInfo? read = null; !ReferenceEquals(read, Operation);)
            {
                read = Operation;
                await ReadAsync(read.Id);
            }
        }
        finally
        {
            _reading = false;
        }
    }

    private async Task ReadAsync(Guid id)
    {
        var caller = await Callers.GetAsync();
        var fresh = _shown != id;
        var answer = fresh
            ? await Reader.LogTailAsync(caller, id, Tail, CancellationToken.None)
            : await Reader.LogAsync(caller, id, _lines.Count == 0 ? 0 : _lines[^1].Number, Tail, CancellationToken.None);
        if (!answer.TryGet(out var lines, out _)) return; // the page itself shows why
        if (fresh) _lines = [];
        _shown = id;
        _lines.AddRange(lines);
        if (_lines.Count > Tail) _lines.RemoveRange(0, _lines.Count - Tail);
        _cut = _lines.Count > 0 && _lines[0].Number > 1;
    }
}
