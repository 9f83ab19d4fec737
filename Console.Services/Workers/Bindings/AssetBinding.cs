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
        var request = new AssetRequest(null, Uri.UnescapeDataString(call.Path[Files.Length..]), call.Query, call.Method == "HEAD", call.Header);
        if (assets is null || AssetAnswer.Of(assets, request) is not { } answer) return BindingReply.NotFound;
        if (answer.File is not { } file || request.IsHead) return new BindingReply(answer.Status) { Headers = answer.Headers };
        return await cache.GetAsync(file.Digest, cancellation) is { } content ? BindingReply.Of(content.Slice((int)answer.From, (int)answer.Length), answer.Status) with { Headers = answer.Headers } : BindingReply.NotFound;
    }
}
