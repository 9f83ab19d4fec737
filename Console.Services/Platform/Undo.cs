namespace Quarterdeck.Platform;

/// <summary>Compensations in reverse order: what was done so far is undone unless <see cref="Keep"/> is called.</summary>
/// <remarks>For work inside one process; what must survive a kill is noted durably by the operation instead.</remarks>
public sealed class Undo : IAsyncDisposable
{
    private readonly Stack<Func<ValueTask>> _steps = new();

    /// <summary>Adds a compensation for something just done.</summary>
    public void Add(Func<ValueTask> compensation) => _steps.Push(compensation);

    /// <summary>Everything held: forget the compensations.</summary>
    public void Keep() => _steps.Clear();

    /// <summary>Runs every compensation, newest first; all run even when one throws, then the errors are thrown together.</summary>
    public async ValueTask DisposeAsync()
    {
        List<Exception>? errors = null;
        while (_steps.TryPop(out var step))
        {
            try { await step(); }
            catch (Exception e) { (errors ??= []).Add(e); }
        }
        if (errors is not null) throw new AggregateException(errors);
    }
}
