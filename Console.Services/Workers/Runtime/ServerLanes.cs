using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>The ways of one compute server to durable objects: its configuration has a fixed number of sockets, and each leads to one worker's objects at a time.</summary>
/// <remarks>
/// <c>way/{namespace}</c>: <c>{"serial":1,"lane":0}</c>, the lane null when the objects are in the asking server itself.
/// For the server that has them: <c>version/{namespace}</c>: <c>{"class":"Name","versions":[["serial@version",percent]],"at":1}</c>; <c>wake</c>: an alarm was set; <c>room</c>: an object is to be made, or to store more.
/// </remarks>
/// <param name="router">Knows where objects are.</param>
/// <param name="io">The server's folder.</param>
/// <param name="serial">Whose objects the server itself has; null for none.</param>
/// <param name="logger">For failures.</param>
internal sealed class ServerLanes(IObjectRouter router, string io, long? serial, ILogger<ServerLanes> logger) : IBindingService, IAsyncDisposable
{
    private readonly Lane?[] _lanes = new Lane?[ServerConfig.Lanes];
    private readonly SemaphoreSlim _gate = new(1);

    public string Kind => "objects";

    public async ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation)
    {
        var parts = call.Path.Split('/', 2);
        var key = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "";
        switch (parts[0])
        {
            case "way":
                if (!(await router.OwnerAsync(key, call.Worker, cancellation)).TryGet(out var owner, out var problem)) return Refuse(problem);
                return await LaneAsync(owner) is var lane && lane < 0
                    ? BindingReply.Of($"The worker calls durable objects of more than {ServerConfig.Lanes} others at once. Try again.", 503)
                    : BindingReply.Of(new JsonObject { ["serial"] = owner, ["lane"] = lane == Here ? null : lane }.ToJsonString());
            case "version" when serial is { } own:
                return (await router.VersionsAsync(key, own, cancellation)).TryGet(out var now, out problem)
                    ? BindingReply.Of(new JsonObject { ["class"] = now.Class, ["versions"] = new JsonArray([.. now.Versions.Select(v => (JsonNode)new JsonArray(v.Key, v.Percent))]), ["at"] = now.At }.ToJsonString())
                    : Refuse(problem);
            case "wake" when serial is { } own:
                await router.WakeAsync(own, cancellation);
                return new BindingReply(204);
            case "room" when serial is { } own:
                return router.Full(own) is { } full ? BindingReply.Of(full, 507) : new BindingReply(204);
            default:
                return BindingReply.NotFound;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        foreach (var lane in _lanes)
            if (lane is not null) await lane.DisposeAsync();
        _gate.Dispose();
    }

    private const int Here = int.MaxValue;

    private async Task<int> LaneAsync(long owner)
    {
        if (owner == serial) return Here;
        await _gate.WaitAsync();
        try
        {
            if (Array.FindIndex(_lanes, l => l?.Serial == owner) is >= 0 and var known) return known;
            var free = Array.FindIndex(_lanes, l => l is null);
            // What nobody is connected by, or was used longest ago without a call under way, makes room.
            if (free < 0) free = Array.FindIndex(_lanes, l => l!.Connections == 0);
            if (free < 0) return -1;
            if (_lanes[free] is { } old) await old.DisposeAsync();
            _lanes[free] = Lane.Open(Path.Combine(io, string.Create(CultureInfo.InvariantCulture, $"lane-{free}.sock")), owner, router, logger);
            return free;
        }
        finally { _gate.Release(); }
    }

    private static BindingReply Refuse(Problem problem) => BindingReply.Of(problem.Detail, problem.Kind is ProblemKind.NotFound or ProblemKind.Forbidden ? 404 : 503);
}
