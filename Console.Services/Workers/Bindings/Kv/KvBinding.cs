using System.Buffers.Text;
using System.Collections.Specialized;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Web;

namespace Quarterdeck.Workers.Bindings.Kv;

/// <summary>Key-value namespaces for workers, with the limits of the Workers documentation (KV, "Limits").</summary>
/// <remarks>
/// <c>v/{key}</c>: GET, PUT (<c>?expiration=</c> seconds since 1970, <c>?ttl=</c> seconds), DELETE; <c>l?prefix=&amp;cursor=&amp;limit=</c>: names in order.
/// Metadata is the header <c>x-kv-metadata</c>, JSON with percent encoding. A namespace begins with its first key.
/// </remarks>
internal sealed class KvBinding(KvStore store, TimeProvider time) : IBindingService
{
    private const int MostName = 512, MostMetadata = 1024, MostValue = 25 << 20, MostListed = 1000, LeastSeconds = 60;
    private const string Metadata = "x-kv-metadata";

    public string Kind => "kv";

    public async ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation)
    {
        var parts = call.Path.Split('/', 3);
        var query = HttpUtility.ParseQueryString(call.Query);
        if (parts is [var listed, "l"] && call.Method == "GET") return await ListAsync(Uri.UnescapeDataString(listed), query, cancellation);
        if (parts is not [var space, "v", var escaped]) return BindingReply.NotFound;
        space = Uri.UnescapeDataString(space);
        var name = Encoding.UTF8.GetBytes(Uri.UnescapeDataString(escaped));
        if (name.Length is 0 or > MostName) return Refuse(414, $"UTF-8 encoded length of {name.Length} is not between 1 and {MostName}.");
        switch (call.Method)
        {
            case "GET":
                return await store.FindAsync(space, name, cancellation) is { } found ? Answer(found) : BindingReply.NotFound;
            case "PUT":
                return await PutAsync(space, name, query, call, cancellation);
            case "DELETE":
                await store.DeleteAsync(space, name, cancellation);
                return new BindingReply(204);
            default:
                return new BindingReply(405);
        }
    }

    private static BindingReply Answer(KvEntry entry)
    {
        var headers = new Dictionary<string, string>();
        if (entry.Metadata is { } metadata) headers[Metadata] = Uri.EscapeDataString(metadata);
        return new BindingReply(200, new MemoryStream(entry.Value, writable: false)) { Headers = headers };
    }

    private async Task<BindingReply> PutAsync(string space, byte[] name, NameValueCollection query, BindingCall call, CancellationToken cancellation)
    {
        // First of all the body is taken: an answer that overtakes it breaks the connection on which it still comes.
        var value = await ValueAsync(call.Body, cancellation);
        var now = time.GetUtcNow();
        DateTimeOffset? expires = null;
        if (query["ttl"] is { } ttl)
        {
            if (!long.TryParse(ttl, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds is < LeastSeconds or > 10L * 366 * 86400) return Refuse(400, $"Invalid expiration_ttl of {ttl}. Expiration TTL must be at least {LeastSeconds}.");
            expires = now.AddSeconds(seconds);
        }
        else if (query["expiration"] is { } at)
        {
            if (!long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds() || seconds < now.ToUnixTimeSeconds() + LeastSeconds)
                return Refuse(400, $"Invalid expiration of {at}. Expiration times must be at least {LeastSeconds} seconds in the future.");
            expires = DateTimeOffset.FromUnixTimeSeconds(seconds);
        }
        var metadata = call.Header(Metadata) is { Length: > 0 } sent ? Uri.UnescapeDataString(sent) : null;
        if (metadata is not null && Encoding.UTF8.GetByteCount(metadata) > MostMetadata) return Refuse(413, $"Metadata length of {Encoding.UTF8.GetByteCount(metadata)} exceeds limit of {MostMetadata}.");
        if (metadata is not null && !IsJson(metadata)) return Refuse(400, "Metadata must be valid JSON.");
        if (value is null) return Refuse(413, $"Value length exceeds limit of {MostValue}.");
        await store.PutAsync(space, name, new KvEntry(value, metadata, expires), cancellation);
        return new BindingReply(204);
    }

    private async Task<BindingReply> ListAsync(string space, NameValueCollection query, CancellationToken cancellation)
    {
        var prefix = Encoding.UTF8.GetBytes(query["prefix"] ?? "");
        var limit = query["limit"] is not { } most ? MostListed : int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : 0;
        if (limit is < 1 or > MostListed) return Refuse(400, $"Invalid limit of {query["limit"]}. It must be 1 to {MostListed}.");
        var from = prefix;
        if (query["cursor"] is { Length: > 0 } text)
        {
            try { from = [.. Base64Url.DecodeFromChars(text), 0]; }
            catch (FormatException) { return Refuse(400, "Invalid cursor."); }
            if (!from.AsSpan().StartsWith(prefix)) return Refuse(400, "Invalid cursor: it belongs to a list with another prefix.");
        }
        var names = await store.ListAsync(space, from, After(prefix), limit + 1, cancellation);
        var keys = new JsonArray();
        foreach (var name in names.Take(limit))
        {
            var key = new JsonObject { ["name"] = Encoding.UTF8.GetString(name.Name) };
            if (name.ExpiresAt is { } at) key["expiration"] = at.ToUnixTimeSeconds();
            if (name.Metadata is { } metadata) key["metadata"] = JsonNode.Parse(metadata);
            keys.Add((JsonNode)key);
        }
        var answer = new JsonObject { ["keys"] = keys, ["list_complete"] = names.Count <= limit };
        if (names.Count > limit) answer["cursor"] = Base64Url.EncodeToString(names[limit - 1].Name);
        answer["cacheStatus"] = null;
        return BindingReply.Of(answer.ToJsonString());
    }

    // The first name behind all that begin so; null when there is none.
    private static byte[]? After(byte[] prefix)
    {
        var last = prefix.AsSpan().LastIndexOfAnyExcept((byte)255);
        if (last < 0) return null;
        var end = prefix[..(last + 1)];
        end[last]++;
        return end;
    }

    /// <summary>The value; null when it is too long. What comes in excess is read and dropped, up to as much again.</summary>
    private static async Task<byte[]?> ValueAsync(Stream body, CancellationToken cancellation)
    {
        var bytes = new MemoryStream();
        var part = new byte[32 << 10];
        long length = 0;
        while (await body.ReadAsync(part, cancellation) is var read and > 0 && (length += read) <= 2 * MostValue)
            if (length <= MostValue) bytes.Write(part.AsSpan(0, read));
        return length > MostValue ? null : bytes.ToArray();
    }

    private static bool IsJson(string text)
    {
        try { return JsonDocument.Parse(text) is not null; }
        catch (JsonException) { return false; }
    }

    private static BindingReply Refuse(int status, string text) => BindingReply.Of(text, status);
}
