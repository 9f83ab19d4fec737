using Microsoft.Extensions.Logging;
using Quarterdeck.Access;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations.Running;

/// <summary>Why a run is asked to stop.</summary>
internal enum StopReason { None, Cancelled, Shutdown, Fenced }

/// <summary>One run of an operation on this node: what its handler is given.</summary>
internal sealed class OperationRun : IOperationContext, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abandon = new();
    private readonly StepStore _steps;
    private readonly Patience _patience;
    private readonly Action<Guid> _changed;
    private readonly HoldPoint _hold;
    private readonly Dictionary<string, StepRow> _known;
    private readonly SemaphoreSlim _writing = new(1);
    private volatile bool _undoing;
    private int _reason;

    public OperationRun(OperationRow row, IReadOnlyList<StepRow> steps, long lastLine, StepStore store, Patience patience, TimeProvider time, HoldPoint hold, Action<Guid> changed)
    {
        (Row, _steps, _patience, _hold, _changed) = (row, store, patience, hold, changed);
        Lease = new Lease(row.Id, row.Owner!.Value, row.Attempt);
        RequestedBy = Json.ReadCaller(row.Caller);
        Journal = new Journal(time, lastLine, null, row.Warnings);
        _known = steps.ToDictionary(s => s.Key, StringComparer.Ordinal);
        if (row.CancelRequested && row.Ending is null) Stop(StopReason.Cancelled);
    }

    public OperationRow Row { get; }
    public Lease Lease { get; }
    public Journal Journal { get; }
    public StopReason Reason => (StopReason)Volatile.Read(ref _reason);

    /// <summary>Cancelled when the run shall stop, for whatever <see cref="Reason"/>; while it undoes, only a shutdown or the fence stops it.</summary>
    public CancellationToken Token => _undoing ? _abandon.Token : _stop.Token;

    public Guid Id => Row.Id;
    public Caller RequestedBy { get; }
    public int Attempt => Row.Attempt;

    public T Input<T>() => Json.Read<T>(Row.Input) ?? throw new InvalidOperationException($"Operation {Id} ({Row.Kind}) has no input.");

    /// <summary>Asks the run to stop; a graver reason replaces a lesser one.</summary>
    public void Stop(StopReason reason)
    {
        for (var was = _reason; was < (int)reason; was = _reason)
            if (Interlocked.CompareExchange(ref _reason, (int)reason, was) == was) break;
        try
        {
            _stop.Cancel();
            if (reason >= StopReason.Shutdown) _abandon.Cancel();
        }
        catch (ObjectDisposedException) { } // ended meanwhile
    }

    /// <summary>For fault tests: stands still if this is the point.</summary>
    public Task HoldAsync(string step, string moment) => _hold.ReachedAsync(this, step, moment);

    /// <summary>From here on the handler removes what it made.</summary>
    public void BeginUndo() => _undoing = true;

    public async Task<T> StepAsync<T>(string key, string title, Func<CancellationToken, Task<T>> action)
    {
        StepRow? known;
        int number;
        lock (_known)
        {
            known = _known.GetValueOrDefault(key);
            if (known is { State: StepState.Done }) return Json.Read<T>(known.Result)!;
            number = known?.Number ?? _known.Count + 1;
            _known[key] = known = new StepRow(Id, key, number, title, StepState.Running, default, null, null);
        }
        await StoreAsync(token => _steps.StartAsync(Lease, key, number, title, token), Token);
        try
        {
            await _hold.ReachedAsync(this, key, HoldPoint.Begin);
            var result = await action(Token);
            await _hold.ReachedAsync(this, key, HoldPoint.End);
            // From here the work is done: a cancellation must not make it forgotten.
            var text = Json.Write(result);
            await StoreAsync(token => _steps.EndAsync(Lease, key, StepState.Done, text, token), CancellationToken.None);
            lock (_known) _known[key] = known with { State = StepState.Done, Result = text };
            return result;
        }
        catch (Exception e) when (e is not (FencedException or DatabaseAwayException))
        {
            if (Reason is not StopReason.Fenced)
                await StoreAsync(token => _steps.EndAsync(Lease, key, StepState.Failed, null, token), CancellationToken.None);
            throw;
        }
    }

    public Task StepAsync(string key, string title, Func<CancellationToken, Task> action) =>
        StepAsync(key, title, async token => { await action(token); return true; });

    public Task NoteAsync(string kind, string value) => StoreAsync(token => _steps.NoteAsync(Lease, kind, value, token), CancellationToken.None);

    public void Progress(long done, long? total, string unit) => Journal.Progress(new OperationProgress(done, total, unit));

    public void Log(string message) => Journal.Write(LogLevel.Information, message);

    public void Warn(string message) => Journal.Write(LogLevel.Warning, message, counts: true);

    /// <summary>Stores progress and log lines; sees a cancellation on the way. When it returns, no other write of the journal is under way.</summary>
    public async Task FlushAsync(CancellationToken cancellation)
    {
        // Waits even with nothing to write: lines that a write under way holds would be lost if the lease ended before it.
        await _writing.WaitAsync(cancellation);
        try
        {
            if (Journal.Dirty) await WriteAsync(Journal.Take(), cancellation);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>What of the journal is not stored yet, once the write that may be under way has ended; for the run's last write.</summary>
    public async Task<Journal.Entries> TakeJournalAsync()
    {
        await _writing.WaitAsync(CancellationToken.None);
        try { return Journal.Take(); }
        finally { _writing.Release(); }
    }

    private async Task WriteAsync(Journal.Entries entries, CancellationToken cancellation)
    {
        try
        {
            if (await _steps.JournalAsync(Lease, entries.Progress, entries.Warnings, entries.Lines, cancellation)) Stop(StopReason.Cancelled);
            _changed(Id);
        }
        catch (Exception e)
        {
            if (e is FencedException) Stop(StopReason.Fenced);
            else Journal.Return(entries);
            throw;
        }
    }

    public void Dispose()
    {
        _stop.Dispose();
        _abandon.Dispose();
        _writing.Dispose();
    }

    private async Task StoreAsync(Func<CancellationToken, Task> write, CancellationToken cancellation)
    {
        try
        {
            await _patience.WithAsync(write, cancellation);
        }
        catch (FencedException)
        {
            Stop(StopReason.Fenced);
            throw;
        }
        _changed(Id);
    }
}
