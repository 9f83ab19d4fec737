namespace Quarterdeck.Workers.Front.Http;

/// <summary>What went wrong between the front and a compute server.</summary>
internal enum UpstreamFault
{
    /// <summary>The connection ended before the response did.</summary>
    Ended,
    /// <summary>What came is no HTTP/1.1 response.</summary>
    Malformed,
    /// <summary>No connection could be made.</summary>
    Unreachable,
    /// <summary>The response is larger than the worker's limit.</summary>
    TooLarge,
}

/// <summary>A request to a compute server failed; never shown to visitors as it is.</summary>
internal sealed class UpstreamException(UpstreamFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public UpstreamFault Fault => fault;
}
