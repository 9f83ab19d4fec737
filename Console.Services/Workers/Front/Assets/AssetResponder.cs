using Microsoft.AspNetCore.Http;

namespace Quarterdeck.Workers.Front.Assets;

/// <summary>Answers with a worker's static files, where it has one for the path.</summary>
internal sealed class AssetResponder(AssetCache cache)
{
    private const int Piece = 64 << 10;

    /// <summary>False when the worker is to answer.</summary>
    public async ValueTask<bool> TryAnswerAsync(Exchange exchange, WorkerAssets assets)
    {
        if (assets.WorkerFirst || !(HttpMethods.IsGet(exchange.Request.Method) || exchange.IsHead)) return false;
        var path = exchange.Request.Path;
        if (AssetPaths.Find(assets, path) is not var (file, status, redirect)) return false;
        if (redirect is not null)
        {
            exchange.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            exchange.ResponseHeaders.Location = AssetPaths.Encode(redirect) + exchange.Request.QueryString;
            return true;
        }
        await SendAsync(exchange, file!, status);
        return true;
    }

    private async ValueTask SendAsync(Exchange exchange, AssetFile file, int status)
    {
        var tag = $"\"{file.Digest}\"";
        exchange.ResponseHeaders.ETag = tag;
        exchange.ResponseHeaders.CacheControl = "public, max-age=0, must-revalidate";
        if (status == StatusCodes.Status200OK && Matches(exchange.RequestHeaders.IfNoneMatch, tag))
        {
            exchange.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        if (await cache.GetAsync(file.Digest, exchange.Gone) is not { } content)
        {
            await Refusal.NotFound.WriteAsync(exchange);
            return;
        }
        exchange.Response.StatusCode = status;
        exchange.ResponseHeaders.ContentType = file.ContentType;
        exchange.ResponseHeaders.ContentLength = content.Length;
        if (exchange.IsHead) return;
        // in pieces: a visitor who reads slowly then holds one piece, not a copy of the file
        for (var at = 0; at < content.Length; at += Piece)
            if ((await exchange.Body.WriteAsync(content.Slice(at, Math.Min(Piece, content.Length - at)), exchange.Gone)).IsCompleted) return;
    }

    private static bool Matches(Microsoft.Extensions.Primitives.StringValues wanted, string tag)
    {
        foreach (var list in wanted)
            foreach (var one in (list ?? "").Split(','))
                if (one.AsSpan().Trim() is var word && (word is "*" || word.SequenceEqual(tag) || word.StartsWith("W/") && word[2..].SequenceEqual(tag))) return true;
        return false;
    }
}
