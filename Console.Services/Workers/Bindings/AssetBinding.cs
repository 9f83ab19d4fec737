using Quarterdeck.Workers.Front.Assets;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Bindings;

/// <summary>A version's static files for its own code: <c>files/{path}</c>, answered as the front answers visitors.</summary>
internal sealed class AssetBinding(WorkerTable table, VersionStore versions, AssetCache cache) : IBindingService
{
    private const string Files = "files";

    public string Kind => "assets";

    public async ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation)
    {
        if (call.Method is not ("GET" or "HEAD")) return BindingReply.Of("Method Not Allowed", 405);
        if (!call.Path.StartsWith(Files + "/", StringComparison.Ordinal)) return BindingReply.NotFound;
        var deployed = table.Current.Workers.GetValueOrDefault(call.Worker.Serial)?.Versions.FirstOrDefault(v => v.Key == call.Worker);
        // A version that is tried before it is deployed is in no table.
        var assets = deployed is null ? (await versions.FindAsync(call.Worker, cancellation))?.Assets : deployed.Assets;
        if (assets is null || AssetPaths.Find(assets, Uri.UnescapeDataString(call.Path[Files.Length..])) is not var (file, status, redirect)) return BindingReply.NotFound;
        if (redirect is not null) return new BindingReply(307) { Headers = new Dictionary<string, string> { ["Location"] = AssetPaths.Encode(redirect) + call.Query } };
        var tag = $"\"{file!.Digest}\"";
        var headers = new Dictionary<string, string> { ["Content-Type"] = file.ContentType, ["ETag"] = tag, ["Cache-Control"] = "public, max-age=0, must-revalidate" };
        if (status == 200 && call.Header("If-None-Match") is { } known && known.Contains(tag, StringComparison.Ordinal)) return new BindingReply(304) { Headers = headers };
        return await cache.GetAsync(file.Digest, cancellation) is not { } content ? BindingReply.NotFound
            : call.Method == "HEAD" ? new BindingReply(status) { Headers = headers } : BindingReply.Of(content, status) with { Headers = headers };
    }
}
