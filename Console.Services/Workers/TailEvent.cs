namespace Quarterdeck.Workers;

/// <summary>How much a line matters.</summary>
public enum TailLevel { Debug, Log, Info, Warn, Error }

/// <summary>One line that a worker wrote to its console.</summary>
/// <param name="At">When.</param>
/// <param name="Level">Which method of <c>console</c> wrote it.</param>
/// <param name="Text">The arguments, joined by spaces; at most 16 KiB.</param>
public sealed record TailLine(DateTimeOffset At, TailLevel Level, string Text);

/// <summary>Something a worker threw and did not catch.</summary>
/// <param name="At">When.</param>
/// <param name="Name">The error's name, such as <c>TypeError</c>.</param>
/// <param name="Message">Its message.</param>
/// <param name="Stack">Where; null when not known.</param>
public sealed record TailException(DateTimeOffset At, string Name, string Message, string? Stack);

/// <summary>One run of a worker: a request, a cron trigger, a queue batch.</summary>
/// <param name="Serial">The worker's number.</param>
/// <param name="Version">The version that ran.</param>
/// <param name="At">When it began.</param>
/// <param name="Trigger">What ran it: <c>fetch</c>, <c>scheduled</c>, <c>queue</c>, <c>alarm</c>, <c>rpc</c> or <c>other</c>.</param>
/// <param name="Outcome">The runtime's word: <c>ok</c>, <c>exception</c>, <c>exceededCpu</c>, <c>exceededMemory</c>, <c>canceled</c>, ….</param>
/// <param name="Method">The request's method; null for other triggers.</param>
/// <param name="Url">The request's URL; null for other triggers.</param>
/// <param name="Status">The status it answered; null when none.</param>
/// <param name="RequestId">The request's <c>x-request-id</c>; null when it carried none.</param>
/// <param name="CpuMs">Processor time in milliseconds.</param>
/// <param name="WallMs">Time from start to end in milliseconds.</param>
/// <param name="Lines">What it logged, at most 256 lines.</param>
/// <param name="Exceptions">What it threw, at most 16.</param>
/// <param name="Truncated">Whether lines were left out or cut.</param>
public sealed record TailEvent(
    long Serial, int Version, DateTimeOffset At, string Trigger, string Outcome, string? Method, string? Url, int? Status, string? RequestId, double CpuMs, double WallMs,
    IReadOnlyList<TailLine> Lines, IReadOnlyList<TailException> Exceptions, bool Truncated)
{
    /// <summary>Whether it went wrong: an outcome other than ok or canceled, or a 5xx.</summary>
    public bool Failed => Exceptions.Count > 0 || Status >= 500 || Outcome is not ("ok" or "canceled" or "responseStreamDisconnected");
}
