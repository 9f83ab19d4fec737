using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Bindings;

/// <summary>Workers that call workers: says which versions answer for a name, and carries requests into and out of cordons.</summary>
/// <remarks><c>{worker}/resolve</c>: <c>{"versions":[["serial@version",percent]],"away":bool,"tell":bool}</c>; <c>{worker}/begin?{serial@version}</c> and <c>/end?{number}</c>: a call in the same process, told where no guard knows whose code runs; <c>{worker}/f</c>: a request, told in <c>x-quarterdeck-request</c>, to the worker's own process.</remarks>
internal sealed class ServiceBinding(WorkerTable table, Func<ComputeServers> servers) : IBindingService, IDisposable
{
    /// <summary>Requests that one worker gets from others at once: two in cordons that call each other would otherwise never end.</summary>
    private const int MostAtOnce = 32;

    private static readonly HashSet<string> Hops = new(StringComparer.OrdinalIgnoreCase)
    {
        "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection", "host", "content-length",
    };

    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _ways = new();
    private readonly ConcurrentDictionary<long, int> _live = new();

    public string Kind => "service";

    public async ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation)
    {
        if (call.Path.Split('/') is not [var escaped, var what]) return BindingReply.NotFound;
        var now = table.Current;
        var name = Uri.UnescapeDataString(escaped);
        if (now.ByName(name) is not { } worker || worker.Versions.Count == 0) return BindingReply.Of($"The worker '{name}' is not deployed.", StatusCodes.Status503ServiceUnavailable);
        if (worker.Tier is WorkerTier.Off) return BindingReply.Of($"The worker '{name}' is switched off.", StatusCodes.Status503ServiceUnavailable);
        var caller = now.Workers.GetValueOrDefault(call.Worker.Serial);
        var away = worker.Serial != call.Worker.Serial && (worker.Tier is not WorkerTier.Shared || caller?.Tier is not WorkerTier.Shared);
        var together = !away && caller is { Tier: WorkerTier.Shared } ? servers().Pick(caller).Process : null;
        switch (what)
        {
            case "begin" when together is not null && WorkerKey.TryParse(call.Query.TrimStart('?'), out var callee):
                return BindingReply.Of(together.Calls.Begin(call.Worker, callee).ToString(CultureInfo.InvariantCulture));
            case "end" when together is not null && long.TryParse(call.Query.TrimStart('?'), CultureInfo.InvariantCulture, out var over):
                together.Calls.End(call.Worker, over);
                return BindingReply.Of("");
        }
        return what switch
        {
            "resolve" => BindingReply.Of(new JsonObject
            {
                ["versions"] = new JsonArray([.. worker.Versions.Select(v => (JsonNode)new JsonArray(v.KeyText, v.Percent))]),
                ["away"] = away,
                ["tell"] = together is { IsGuarded: false },
            }.ToJsonString()),
            "f" => await ForwardAsync(worker, call, cancellation),
            _ => BindingReply.NotFound,
        };
    }

    private async Task<BindingReply> ForwardAsync(DeployedWorker worker, BindingCall call, CancellationToken cancellation)
    {
        if (call.Header("x-quarterdeck-request") is not { } told) return BindingReply.NotFound;
        var request = JsonDocument.Parse(Uri.UnescapeDataString(told)).RootElement;
        var share = Random.Shared.Next(100);
        var version = worker.Versions.FirstOrDefault(v => (share -= v.Percent) < 0) ?? worker.Versions[0];
        var server = servers().Pick(worker);
        if (_live.AddOrUpdate(worker.Serial, 1, (_, n) => n + 1) > MostAtOnce)
        {
            Leave(worker.Serial);
            return BindingReply.Of($"The worker '{worker.Name}' has {MostAtOnce} requests of other workers already.", StatusCodes.Status503ServiceUnavailable);
        }
        var ticket = default(RequestTicket);
        try
        {
            // Not disposed with the call: whoever reads the answer's body ends it.
            var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(version.Limits.WallMs);
            await server.ReadyAsync(patience.Token);
            ticket = server.Begin(version.Key);
            using var message = new HttpRequestMessage(new HttpMethod(call.Method), request.GetProperty("url").GetString());
            if (call.Method is not ("GET" or "HEAD")) message.Content = new StreamContent(call.Body);
            foreach (var header in request.GetProperty("headers").EnumerateArray())
            {
                var (field, value) = (header[0].GetString()!, header[1].GetString());
                if (Hops.Contains(field) || field.StartsWith("x-quarterdeck-", StringComparison.OrdinalIgnoreCase)) continue;
                if (!message.Headers.TryAddWithoutValidation(field, value)) message.Content?.Headers.TryAddWithoutValidation(field, value);
            }
            message.Headers.TryAddWithoutValidation("x-quarterdeck-worker", version.KeyText);
            var response = await _ways.GetOrAdd(server.SocketPath, path => new HttpMessageInvoker(UnixHttp.Handler(path))).SendAsync(message, patience.Token);
            ticket.Answered();
            var headers = new Dictionary<string, string>();
            foreach (var (field, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
                if (!Hops.Contains(field) && !field.StartsWith("x-quarterdeck-", StringComparison.OrdinalIgnoreCase)) headers[field] = values.ToString();
            var ending = ticket;
            return new BindingReply((int)response.StatusCode, new AnswerStream(await response.Content.ReadAsStreamAsync(cancellation), () =>
            {
                response.Dispose();
                patience.Dispose();
                ending.Dispose();
                Leave(worker.Serial);
            })) { Headers = headers };
        }
        catch (Exception e)
        {
            ticket.Dispose();
            Leave(worker.Serial);
            if (e is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested) return BindingReply.Of($"The worker '{worker.Name}' did not answer.", StatusCodes.Status503ServiceUnavailable);
            throw;
        }
    }

    private void Leave(long serial) => _live.AddOrUpdate(serial, 0, (_, n) => n - 1);

    public void Dispose()
    {
        foreach (var way in _ways.Values) way.Dispose();
    }
}
