using System.Text.Json;

namespace Quarterdeck.Workers.Bindings.Cache;

/// <summary>The Cache API for workers. GET matches, PUT keeps, DELETE forgets what the headers <c>x-cache-name</c> and <c>x-cache-url</c> name (percent-encoded).</summary>
/// <remarks>An answer's own status and headers travel in <c>x-cache-answer</c>, JSON with percent encoding, so that none of them means something on the way.</remarks>
internal sealed class CacheBinding(CacheStore store, TimeProvider time) : IBindingService
{
    private const string Answer = "x-cache-answer";

    public string Kind => "cache";

    public async ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation)
    {
        if (Text(call, "x-cache-url") is not { Length: > 0 } url) return BindingReply.NotFound;
        var key = new CacheKey(call.Worker.Serial, Text(call, "x-cache-name") ?? "", url);
        switch (call.Method)
        {
            case "GET":
                return store.Find(key) is { } found ? Reply(found, call) : BindingReply.NotFound;
            case "PUT":
                await PutAsync(key, call, cancellation);
                return new BindingReply(204);
            case "DELETE":
                return store.Remove(key) ? new BindingReply(204) : BindingReply.NotFound;
            default:
                return new BindingReply(405);
        }
    }

    private async Task PutAsync(CacheKey key, BindingCall call, CancellationToken cancellation)
    {
        // The body first: an answer that overtakes it breaks the connection on which it still comes.
        var body = await BodyAsync(call.Body, cancellation);
        var head = JsonSerializer.Deserialize<Head>(Text(call, Answer) ?? "{}", JsonSerializerOptions.Web);
        if (body is null || head?.Headers is null) return;
        // What is not to be kept, or is too large, takes the place of what was there before, too.
        if (CachedAnswer.Of(head.Status, head.Headers.Where(h => h.Length == 2).Select(h => KeyValuePair.Create(h[0], h[1])), body, time.GetUtcNow()) is { } answer) store.Put(key, answer);
        else store.Remove(key);
    }

    private BindingReply Reply(CachedAnswer found, BindingCall call)
    {
        var headers = found.Headers.Where(h => !h.Key.Equals("content-length", StringComparison.OrdinalIgnoreCase)).Select(h => (string[])[h.Key, h.Value]).ToList();
        headers.Add(["age", Whole((long)(time.GetUtcNow() - found.Put).TotalSeconds)]);
        headers.Add(["cf-cache-status", "HIT"]);
        if (found.IsKnown(call.Header("if-none-match"), call.Header("if-modified-since"))) return Reply(304, headers, default);
        if (found.Part(call.Header("range")) is not var (from, length)) return Reply(found.Status, headers, found.Body);
        headers.Add(["content-range", length == 0 ? $"bytes */{Whole(found.Body.Length)}" : $"bytes {Whole(from)}-{Whole(from + length - 1)}/{Whole(found.Body.Length)}"]);
        return Reply(length == 0 ? 416 : 206, headers, found.Body.AsMemory(from, length));
    }

    private static BindingReply Reply(int status, List<string[]> headers, ReadOnlyMemory<byte> body) => new(200, new MemoryStream(body.ToArray(), writable: false))
    {
        Headers = new Dictionary<string, string> { [Answer] = Uri.EscapeDataString(JsonSerializer.Serialize(new Head(status, headers), JsonSerializerOptions.Web)) },
    };

    /// <summary>The body; null when it is larger than what one worker may keep. What comes in excess is read and dropped.</summary>
    private static async Task<byte[]?> BodyAsync(Stream body, CancellationToken cancellation)
    {
        var bytes = new MemoryStream();
        var part = new byte[32 << 10];
        while (await body.ReadAsync(part, cancellation) is var read and > 0)
            if (bytes.Length <= CacheStore.MostOfOne) bytes.Write(part.AsSpan(0, read));
        return bytes.Length > CacheStore.MostOfOne ? null : bytes.ToArray();
    }

    private static string? Text(BindingCall call, string name) => call.Header(name) is { } sent ? Uri.UnescapeDataString(sent) : null;

    private static string Whole(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private sealed record Head(int Status, IReadOnlyList<string[]>? Headers);
}
