namespace Quarterdeck.Workers.Front.Assets;

/// <summary>What is asked of static files; GET or HEAD.</summary>
/// <param name="Host">The visitor's host name without a port; null when unknown.</param>
/// <param name="Path">Decoded; begins with a slash.</param>
/// <param name="Query">With its question mark; empty for none.</param>
/// <param name="IsHead">Whether the body is not wanted.</param>
/// <param name="Header">Reads a request header; null when absent.</param>
internal readonly record struct AssetRequest(string? Host, string Path, string Query, bool IsHead, Func<string, string?> Header);

/// <summary>The answer of static files: the same for visitors and for a worker's own binding.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Headers">By name, without Content-Length.</param>
/// <param name="File">Whose bytes the body has; null for no body.</param>
/// <param name="From">First byte of it.</param>
/// <param name="Length">Bytes of it.</param>
internal sealed record AssetAnswer(int Status, Dictionary<string, string> Headers, AssetFile? File = null, long From = 0, long Length = 0)
{
    /// <summary>Finds the answer; null when the worker is to answer.</summary>
    public static AssetAnswer? Of(WorkerAssets assets, AssetRequest request)
    {
        var rules = AssetRules.Of(assets);
        var found = AssetPaths.Find(assets, request.Path);
        if (rules?.Redirect(request.Path, request.Query) is var (to, status))
        {
            if (status != 200) return Redirected(status, to);
            found = AssetPaths.Find(assets, to);
            // the address stays as it is, so the file's own one does not matter
            if (found is { Redirect: { } own }) found = AssetPaths.Find(assets, own);
        }
        if (found is null) return null;
        var answer = found is { Redirect: { } other } ? Redirected(307, AssetPaths.Encode(other) + request.Query) : WithFile(found.Value.File!, found.Value.Status, request);
        rules?.Apply(request.Host, request.Path, answer.Headers);
        return answer;
    }

    private static AssetAnswer Redirected(int status, string location) => new(status, New(("Location", location)));

    private static AssetAnswer WithFile(AssetFile file, int status, AssetRequest request)
    {
        var tag = $"\"{file.Digest}\"";
        var headers = New(("ETag", tag));
        if (request.Header("Authorization") is null && request.Header("Range") is null) headers["Cache-Control"] = "public, max-age=0, must-revalidate";
        if (status == 200 && Names(request.Header("If-None-Match"), tag)) return new AssetAnswer(304, headers);
        headers["Content-Type"] = file.ContentType;
        if (status != 200) return new AssetAnswer(status, headers, file, 0, file.Bytes);
        headers["Accept-Ranges"] = "bytes";
        // a part of another state of the file than the visitor has is of no use
        if (request.IsHead || request.Header("Range") is not { } range || (request.Header("If-Range") is { } state && state != tag) || ByteRange.Read(range, file.Bytes) is not { } part) return new AssetAnswer(200, headers, file, 0, file.Bytes);
        if (part.Length > 0)
        {
            headers["Content-Range"] = $"bytes {part.From}-{part.From + part.Length - 1}/{file.Bytes}";
            return new AssetAnswer(206, headers, file, part.From, part.Length);
        }
        headers["Content-Range"] = $"bytes */{file.Bytes}";
        headers.Remove("Content-Type");
        return new AssetAnswer(416, headers);
    }

    private static Dictionary<string, string> New((string Name, string Value) first) => new(StringComparer.OrdinalIgnoreCase) { [first.Name] = first.Value };

    private static bool Names(string? list, string tag)
    {
        foreach (var one in (list ?? "").Split(','))
            if (one.AsSpan().Trim() is var word && (word is "*" || word.SequenceEqual(tag) || word.StartsWith("W/") && word[2..].SequenceEqual(tag))) return true;
        return false;
    }
}
