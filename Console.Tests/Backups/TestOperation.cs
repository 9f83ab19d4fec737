using System.Collections.Concurrent;
using Quarterdeck.Access;
using Quarterdeck.Operations;

namespace Quarterdeck.Tests.Backups;

/// <summary>What a handler is given, in memory: steps are remembered as the database would.</summary>
internal sealed class TestOperation(object? input = null) : IOperationContext
{
    private readonly ConcurrentDictionary<string, object?> _steps = new();

    public Guid Id { get; } = Guid.CreateVersion7();
    public Caller RequestedBy => Caller.System;
    public int Attempt { get; set; } = 1;
    public ConcurrentQueue<Note> Notes { get; } = new();
    public ConcurrentQueue<string> Lines { get; } = new();
    public ConcurrentQueue<string> Warnings { get; } = new();
    public (long Done, long? Total) Reached { get; private set; }

    /// <summary>Called at each progress.</summary>
    public Action<long>? OnProgress { get; set; }

    public T Input<T>() => (T)input!;

    public async Task<T> StepAsync<T>(string key, string title, Func<CancellationToken, Task<T>> action)
    {
        if (_steps.TryGetValue(key, out var known)) return (T)known!;
        var result = await action(Cancellation);
        _steps[key] = result;
        return result;
    }

    public Task StepAsync(string key, string title, Func<CancellationToken, Task> action) => StepAsync(key, title, async c => { await action(c); return true; });

    /// <summary>What steps are cancelled by.</summary>
    public CancellationToken Cancellation { get; set; }

    public Task NoteAsync(string kind, string value)
    {
        Notes.Enqueue(new Note(kind, value));
        return Task.CompletedTask;
    }

    public void Progress(long done, long? total, string unit)
    {
        Reached = (done, total);
        OnProgress?.Invoke(done);
    }

    public void Log(string message) => Lines.Enqueue(message);

    public void Warn(string message) => Warnings.Enqueue(message);
}
