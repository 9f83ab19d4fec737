namespace Quarterdeck.Workers;

/// <summary>Answers what workers ask of a binding: one service for each kind, registered in the container.</summary>
/// <remarks>The worker's identity comes from the dispatcher and the compute server's own socket: a worker cannot claim another's.</remarks>
public interface IBindingService
{
    /// <summary>The first part of the path under <c>/b/</c>, such as <c>kv</c>.</summary>
    string Kind { get; }

    /// <summary>Answers a call; an exception becomes status 500 and is logged.</summary>
    ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation);
}

/// <summary>A worker's call of a binding.</summary>
/// <param name="Worker">Who calls.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">After <c>/b/{kind}/</c>, still encoded.</param>
/// <param name="Query">With its question mark; empty for none.</param>
/// <param name="Header">Reads a request header; null when absent.</param>
/// <param name="Body">What the worker sends, as it comes.</param>
public sealed record BindingCall(WorkerKey Worker, string Method, string Path, string Query, Func<string, string?> Header, Stream Body);

/// <summary>The answer to a <see cref="BindingCall"/>.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">Read to its end and disposed; null for none.</param>
public sealed record BindingReply(int Status, Stream? Body = null)
{
    /// <summary>Response headers.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>An answer of bytes.</summary>
    public static BindingReply Of(ReadOnlyMemory<byte> bytes, int status = 200) => new(status, new MemoryStream(bytes.ToArray(), writable: false));

    /// <summary>An answer of text.</summary>
    public static BindingReply Of(string text, int status = 200) => Of(System.Text.Encoding.UTF8.GetBytes(text), status);

    /// <summary>There is no such thing.</summary>
    public static BindingReply NotFound { get; } = new(404);
}
