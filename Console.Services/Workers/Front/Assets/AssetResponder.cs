using Microsoft.AspNetCore.Http;
using Quarterdeck.Workers.Front.Transport;

namespace Quarterdeck.Workers.Front.Assets;

/// <summary>Answers with a worker's static files, where it has one for the path.</summary>
internal sealed class AssetResponder(AssetCache cache)
{
    private const int Piece = 64 << 10;

    /// <summary>False when the worker is to answer.</summary>
    public async ValueTask<bool> TryAnswerAsync(Exchange exchange, WorkerAssets assets)
    {
        if (assets.WorkerFirst || !(HttpMethods.IsGet(exchange.Request.Method) || exchange.IsHead)) return false;
        var headers = exchange.RequestHeaders;
        var request = new AssetRequest(RequestTarget.HostName(exchange.Host), exchange.Request.Path, exchange.Request.QueryString, exchange.IsHead, name => headers[name] is { Count: > 0 } values ? values.ToString() : null);
        if (AssetAnswer.Of(assets, request) is not { } answer) return false;
        await SendAsync(exchange, answer);
        return true;
    }

    private async ValueTask SendAsync(Exchange exchange, AssetAnswer answer)
    {
        await IoLoop.LeaveAsync();
        ReadOnlyMemory<byte> content = default;
        if (answer.File is { } file)
        {
            if (await cache.GetAsync(file.Digest, exchange.Gone) is not { } whole)
            {
                await Refusal.NotFound.WriteAsync(exchange);
                return;
            }
            content = whole.Slice((int)answer.From, (int)answer.Length);
        }
        exchange.Response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers) exchange.ResponseHeaders[name] = value;
        if (answer.Status != StatusCodes.Status304NotModified) exchange.ResponseHeaders.ContentLength = content.Length;
        if (exchange.SetCookie is { } sticky)
        {
            // the visitor's own from now on, and no business of a cache between
            exchange.ResponseHeaders.Append("Set-Cookie", sticky);
            exchange.ResponseHeaders.CacheControl = "private, max-age=0, must-revalidate";
        }
        if (exchange.IsHead) return;
        // in pieces: a visitor who reads slowly then holds one piece, not a copy of the file
        for (var at = 0; at < content.Length; at += Piece)
            if ((await exchange.Body.WriteAsync(content.Slice(at, Math.Min(Piece, content.Length - at)), exchange.Gone)).IsCompleted) return;
    }
}
