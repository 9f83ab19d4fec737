using Microsoft.Extensions.Logging;

namespace Quarterdeck.Operations.Running;

/// <summary>What is logged while an operation runs, anywhere below its handler, also goes to its stored log.</summary>
internal sealed class LogBridge : ILoggerProvider
{
    private static readonly AsyncLocal<OperationRun?> Current = new();

    /// <summary>Everything that this flow logs from here on belongs to <paramref name="run"/>, until disposed.</summary>
    public static IDisposable Enter(OperationRun run)
    {
        var before = Current.Value;
        Current.Value = run;
        return new Scope(before);
    }

    public ILogger CreateLogger(string categoryName) => new Logger(
        // The room's own bookkeeping and the engines below it would bury what the handler says.
        categoryName.StartsWith("Quarterdeck.", StringComparison.Ordinal) && !categoryName.StartsWith("Quarterdeck.Operations.", StringComparison.Ordinal) && !categoryName.StartsWith("Quarterdeck.Database.", StringComparison.Ordinal));

    public void Dispose() { }

    private sealed class Scope(OperationRun? before) : IDisposable
    {
        public void Dispose() => Current.Value = before;
    }

    private sealed class Logger(bool ours) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => ours && logLevel is >= LogLevel.Information and < LogLevel.None && Current.Value is not null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel) || Current.Value is not { } run) return;
            var text = formatter(state, exception);
            run.Journal.Write(logLevel, exception is null ? text : $"{text} ({exception.Message})");
        }
    }
}
