using System.Globalization;

namespace Quarterdeck.Workers.Traces;

/// <summary>One request of a visitor, as a trace tells it.</summary>
/// <param name="Worker">The worker's name.</param>
/// <param name="Key">Its version.</param>
/// <param name="Method">The request's method.</param>
/// <param name="Host">Its host.</param>
/// <param name="Path">Its path without the query, which may hold secrets.</param>
/// <param name="Status">The status sent.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="End">When.</param>
/// <param name="Micros">How long it took, microseconds.</param>
/// <param name="TraceParent">The visitor's header; null for none.</param>
internal sealed record RequestSpan(string Worker, WorkerKey Key, string Method, string Host, string Path, int Status, RequestOutcome Outcome, DateTimeOffset End, long Micros, string? TraceParent)
{
    /// <summary>Trace and parent of a <c>traceparent</c> header of the W3C, and whether it is sampled; null when it is none.</summary>
    public static (string Trace, string Parent, bool Sampled)? Parent(string? header)
    {
        if (header is not { Length: 55 } || !header.StartsWith("00-", StringComparison.Ordinal) || header[35] != '-' || header[52] != '-') return null;
        var (trace, parent, flags) = (header[3..35], header[36..52], header[53..]);
        return Hex(trace) && Hex(parent) && Hex(flags) && trace.AsSpan().ContainsAnyExcept('0') && parent.AsSpan().ContainsAnyExcept('0') ? (trace, parent, (Convert.ToInt32(flags, 16) & 1) == 1) : null;
    }

    /// <summary>As OTLP spells it in JSON.</summary>
    public object ToOtlp()
    {
        var parent = Parent(TraceParent);
        var end = (End.ToUniversalTime() - DateTimeOffset.UnixEpoch).Ticks * 100;
        return new
        {
            traceId = parent?.Trace ?? Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()),
            spanId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(8)),
            parentSpanId = parent?.Parent ?? "",
            name = $"{Method} {Worker}",
            kind = 2, // server
            startTimeUnixNano = (end - (Micros * 1000)).ToString(CultureInfo.InvariantCulture),
            endTimeUnixNano = end.ToString(CultureInfo.InvariantCulture),
            attributes = new object[]
            {
                Text("http.request.method", Method), Text("server.address", Host), Text("url.path", Path), Number("http.response.status_code", Status),
                Text("quarterdeck.worker.name", Worker), Number("quarterdeck.worker.version", Key.Version), Text("quarterdeck.outcome", Outcome.ToString().ToLowerInvariant()),
            },
            status = new { code = Status >= 500 || Outcome is not (RequestOutcome.Ok or RequestOutcome.Canceled) ? 2 : 0 },
        };
    }

    private static object Text(string key, string value) => new { key, value = new { stringValue = value } };

    private static object Number(string key, int value) => new { key, value = new { intValue = value.ToString(CultureInfo.InvariantCulture) } };

    private static bool Hex(string text) => !text.AsSpan().ContainsAnyExcept("0123456789abcdef");
}
