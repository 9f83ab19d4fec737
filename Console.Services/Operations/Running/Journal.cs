using Microsoft.Extensions.Logging;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations.Running;

/// <summary>Progress and log lines of a run, kept until the next write: whatever the handler's speed, the database sees a few writes a second.</summary>
internal sealed class Journal(TimeProvider time, long lastLine, OperationProgress? progress, int warnings)
{
    /// <summary>Lines one run may add; what follows is dropped, with a line that says so.</summary>
    public const int MaxLines = 20_000;

    private const int MaxText = 8_000;
    private readonly Lock _lock = new();
    private List<LogLine> _lines = [];
    private long _number = lastLine;
    private int _written;
    private OperationProgress? _progress = progress;
    private int _warnings = warnings;
    private bool _dirty;

    public int Warnings { get { lock (_lock) return _warnings; } }

    public bool Dirty { get { lock (_lock) return _dirty || _lines.Count > 0; } }

    public void Progress(OperationProgress progress)
    {
        lock (_lock) (_progress, _dirty) = (progress, true);
    }

    /// <param name="level">How grave.</param>
    /// <param name="text">The line.</param>
    /// <param name="counts">Whether it keeps the operation from ending as a plain success.</param>
    public void Write(LogLevel level, string text, bool counts = false)
    {
        lock (_lock)
        {
            if (counts) _warnings++;
            if (_written > MaxLines) return;
            if (_written++ == MaxLines) (level, text) = (LogLevel.Warning, $"The log is full: {MaxLines} lines. What follows is not kept.");
            _lines.Add(new LogLine(++_number, time.GetUtcNow(), level, text.Length > MaxText ? text[..MaxText] + "…" : text));
        }
    }

    /// <summary>What is not stored yet; <see cref="Return"/> it when it could not be.</summary>
    public Entries Take()
    {
        lock (_lock)
        {
            var taken = new Entries(_progress, _warnings, _lines);
            (_lines, _dirty) = ([], false);
            return taken;
        }
    }

    public void Return(Entries entries)
    {
        lock (_lock)
        {
            _lines.InsertRange(0, entries.Lines);
            _dirty = true;
        }
    }

    /// <summary>What goes into one write.</summary>
    public sealed record Entries(OperationProgress? Progress, int Warnings, List<LogLine> Lines);
}
