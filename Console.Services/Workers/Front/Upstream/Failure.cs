using Microsoft.AspNetCore.Http;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>Why a request has no answer of its worker, and what the visitor is told.</summary>
/// <param name="Refusal">The answer, if none has started.</param>
/// <param name="Outcome">How it is counted.</param>
/// <param name="Limit">The limit that it hit.</param>
internal sealed record Failure(Refusal Refusal, RequestOutcome Outcome, WorkerLimitKind? Limit = null)
{
    /// <summary>The first cause counts: what was cut here fails everywhere else, too.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="connection">Its connection.</param>
    /// <param name="error">What was thrown.</param>
    /// <param name="body">What kept the visitor's body from being sent; null for nothing.</param>
    public static Failure Of(Exchange exchange, UpstreamConnection connection, Exception error, Exception? body) => (connection.Cut, body, error) switch
    {
        (Cut.WallTime, _, _) => new(Refusal.WallTime, RequestOutcome.Limit, WorkerLimitKind.Wall),
        (_, RequestTooLargeException or BadHttpRequestException { StatusCode: 413 }, _) => new(Refusal.RequestTooLarge, RequestOutcome.Limit, WorkerLimitKind.RequestSize),
        (_, BadHttpRequestException { StatusCode: 408 }, _) => new(Refusal.RequestTooSlow, RequestOutcome.Canceled),
        (_, BadHttpRequestException, _) => new(Refusal.RequestBroken, RequestOutcome.Canceled),
        (Cut.Visitor, _, _) or (_, _, OperationCanceledException) => new(Refusal.RequestBroken, RequestOutcome.Canceled) { IsTold = false },
        (_, _, UpstreamException { Fault: UpstreamFault.TooLarge }) => new(Refusal.ResponseTooLarge, RequestOutcome.Limit, WorkerLimitKind.ResponseSize),
        (_, _, UpstreamException { Fault: UpstreamFault.Malformed }) => new(Refusal.ResponseBroken, RequestOutcome.Unavailable),
        _ when exchange.Gone.IsCancellationRequested => new(Refusal.RequestBroken, RequestOutcome.Canceled) { IsTold = false },
        _ => new(Refusal.Unavailable, RequestOutcome.Unavailable),
    };

    /// <summary>Whether the visitor is still there to be told.</summary>
    public bool IsTold { get; init; } = true;
}
