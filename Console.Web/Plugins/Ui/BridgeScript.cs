using Microsoft.Extensions.FileProviders;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>The script by which a plug-in's page talks to the console around it; served below its ticket, because pages reach nothing else.</summary>
internal sealed class BridgeScript(IWebHostEnvironment environment)
{
    /// <summary>Its name at the root of a plug-in's address; a guest's own file of this name is not reached.</summary>
    public const string Name = "quarterdeck-bridge.js";

    private byte[]? _script;

    /// <summary>Writes it.</summary>
    public async Task WriteAsync(HttpContext context)
    {
        _script ??= await ReadAsync(environment.WebRootFileProvider.GetFileInfo("js/" + Name));
        context.Response.ContentType = "text/javascript; charset=utf-8";
        context.Response.Headers.CacheControl = "private, max-age=300";
        context.Response.ContentLength = _script.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(_script, context.RequestAborted);
    }

    private static async Task<byte[]> ReadAsync(IFileInfo file)
    {
        await using var stream = file.CreateReadStream();
        using var memory = new MemoryStream();
        await stream.CopyToAsync(memory);
        return memory.ToArray();
    }
}
