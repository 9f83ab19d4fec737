using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>Sends a request to the compute server of its worker and its response to the visitor.</summary>
/// <remarks>A request of which a byte was sent is sent again only when that cannot do anything twice: an idempotent method (RFC 9110, 9.2.2) without a body. All others get 503 when their compute server ends under them.</remarks>
internal sealed class Forwarder(IUpstreams servers, UpstreamPools pools, ITailSink tails, WorkerFigures figures, WorkerTable table)
{
    private const int MostTries = 4;

    public async Task RunAsync(Exchange exchange)
    {
        var (upgrade, hasBody) = (UpgradeOf(exchange), exchange.HasBody);
        var replayable = !hasBody && upgrade is Upgrade.None && IsIdempotent(exchange.Request.Method);
        var worker = exchange.Worker;
        (IUpstream Server, int Generation)? lost = null;
        for (var tries = 1; ; tries++)
        {
            // Who ended the process may have been set apart for it meanwhile, and is not to end it again.
            if (tries > 1 && table.Current.Workers.TryGetValue(worker.Serial, out var now)) worker = now;
            if (worker.Tier is WorkerTier.Off)
            {
                await RefuseAsync(exchange, Refusal.Unavailable, RequestOutcome.Unavailable);
                return;
            }
            var server = servers.Pick(worker);
            var pool = pools.Of(server);
            using var turn = tries > 1 ? await pool.Turns.TakeAsync(exchange.Began, exchange.Lost, exchange.Gone) : null;
            UpstreamConnection connection;
            try
            {
                connection = pool.TryRent(careful: !replayable) ?? await pools.ConnectAsync(pool, exchange.Deadline, exchange.Gone);
            }
            catch (UpstreamException)
            {
                await RefuseAsync(exchange, Refusal.Unreachable, RequestOutcome.Unavailable);
                return;
            }
            // Whoever ended the last process would end this one as well. It is known by now: a process starts only after the end of the one before was put on somebody.
            if (lost is { } end && end.Server.BlameOf(end.Generation) == exchange.Version.Key)
            {
                pool.Return(connection);
                await RefuseAsync(exchange, Refusal.Ended, RequestOutcome.Unavailable);
                return;
            }
            lost = (server, connection.Generation);
            using (var ticket = server.Begin(exchange.Version.Key))
                if (await TryAsync(exchange, pool, connection, ticket, upgrade, hasBody, mayReplay: replayable && tries < MostTries)) return;
            // The process has just ended: whoever watches it needs a moment to notice.
            if (tries > 1) await Task.Delay(tries * 10);
        }
    }

    /// <summary>True when the visitor has an answer; false when the request may be sent again, and nothing of an answer went out.</summary>
    private async ValueTask<bool> TryAsync(Exchange exchange, UpstreamPool pool, UpstreamConnection connection, RequestTicket ticket, Upgrade upgrade, bool hasBody, bool mayReplay)
    {
        if (!RequestHead.TryWrite(connection.Out, exchange, upgrade, hasBody, tails.IsWatched(exchange.Worker.Serial), servers.ReadsFacts(exchange.Version.Key)))
        {
            pool.Return(connection);
            await RefuseAsync(exchange, Refusal.BadRequest, RequestOutcome.Ok);
            return true;
        }
        connection.Begin(exchange.Deadline);
        var gone = exchange.Gone.UnsafeRegister(static c => ((UpstreamConnection)c!).CutOff(Cut.Visitor), connection);
        PipeReader? body = null;
        Task<Exception?>? pump = null;
        var reusable = false;
        try
        {
            await connection.SendAsync(connection.Out.Written);
            if (hasBody)
            {
                body = exchange.Features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
                pump = BodyPump.RunAsync(body, connection, exchange.RequestHeaders.ContentLength is null, exchange.Version.Limits.RequestBytes);
            }
            var head = await ReadHeadAsync(connection, exchange.IsHead);
            ticket.Answered();
            if (connection.Head.Status == StatusCodes.Status101SwitchingProtocols)
            {
                await UpgradeAsync(exchange, connection, upgrade, head);
                return true;
            }
            if (!Relay(exchange, connection, head, mayReplay)) return false;
            await ResponseRelay.BodyAsync(connection, exchange, exchange.Version.Limits.ResponseBytes);
            reusable = connection.Head.KeepsAlive && connection.IsClean && pump is null or { IsCompletedSuccessfully: true, Result: null };
            return true;
        }
        catch (Exception e) when (e is UpstreamException or OperationCanceledException or IOException)
        {
            if (mayReplay && e is UpstreamException { Fault: UpstreamFault.Ended } && connection.Cut is Cut.None && !exchange.HasStarted)
            {
                exchange.ResponseHeaders.Clear();
                exchange.Lost = connection.Generation;
                return false;
            }
            // Who cut the request for the visitor's fault says so a moment later.
            if (connection.Cut is Cut.Visitor && pump is not null) body!.CancelPendingRead();
            var reason = pump is { IsCompletedSuccessfully: true } || connection.Cut is Cut.Visitor && pump is not null ? await pump : null;
            await FailAsync(exchange, Failure.Of(exchange, connection, e, reason));
            return true;
        }
        finally
        {
            await gone.DisposeAsync();
            if (pump is { IsCompleted: false })
            {
                // The worker answered without reading all of it.
                body!.CancelPendingRead();
                connection.CutOff(Cut.Visitor);
                await pump;
            }
            if (connection.End() && reusable) pool.Return(connection);
            else pool.Drop(connection);
        }
    }

    /// <summary>Reads the head of the response, past interim ones; answers how many bytes it has.</summary>
    private static async ValueTask<int> ReadHeadAsync(UpstreamConnection connection, bool toHead)
    {
        while (true)
        {
            int length;
            while (!connection.Head.TryRead(connection.Received, toHead, out length))
                if (await connection.ReceiveAsync() == 0) throw new UpstreamException(UpstreamFault.Ended, "The connection closed before a response came.");
            if (connection.Head.Status is not (>= 100 and < 200 and not 101)) return length;
            connection.Consume(length);
        }
    }

    /// <summary>Hands on the head. False when the isolate was unloaded under the request, and it may be sent again.</summary>
    private static bool Relay(Exchange exchange, UpstreamConnection connection, int head, bool mayReplay)
    {
        var outcome = ResponseRelay.Head(exchange, connection.Head, connection.Received);
        connection.Consume(head);
        if (outcome is null) return true;
        if (outcome == "evicted" && mayReplay)
        {
            exchange.ResponseHeaders.Clear();
            exchange.Lost = -1;
            return false;
        }
        exchange.Outcome = outcome switch
        {
            "exception" => RequestOutcome.Exception,
            "load" => RequestOutcome.NotLoaded,
            "limit" => RequestOutcome.Limit,
            _ => RequestOutcome.Unavailable,
        };
        return true;
    }

    private async Task UpgradeAsync(Exchange exchange, UpstreamConnection connection, Upgrade upgrade, int head)
    {
        if (upgrade is Upgrade.None) throw new UpstreamException(UpstreamFault.Malformed, "The compute server switched protocols unasked.");
        ResponseRelay.Head(exchange, connection.Head, connection.Received);
        connection.Consume(head);
        connection.Unlimited();
        Stream stream;
        if (upgrade is Upgrade.Http1)
        {
            exchange.ResponseHeaders["Upgrade"] = "websocket";
            stream = await exchange.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        }
        else
        {
            exchange.ResponseHeaders.Remove("Sec-WebSocket-Accept");
            exchange.Response.StatusCode = StatusCodes.Status200OK;
            stream = await exchange.Features.GetRequiredFeature<IHttpExtendedConnectFeature>().AcceptAsync();
        }
        // Recorded when it opens: how long people stay says nothing about the worker.
        figures.Record(exchange.Worker.Serial, exchange.Version.Key.Version, StatusCodes.Status101SwitchingProtocols, exchange.Microseconds, RequestOutcome.Ok);
        exchange.IsRecorded = true;
        await Tunnel.RunAsync(stream, connection, exchange.Gone);
    }

    private async ValueTask FailAsync(Exchange exchange, Failure failure)
    {
        if (failure.Limit is { } limit) figures.RecordLimit(exchange.Worker.Serial, exchange.Version.Key.Version, limit);
        if (failure.Limit is WorkerLimitKind.Wall) servers.Pick(exchange.Worker).ReportStuck();
        await RefuseAsync(exchange, failure.Refusal, failure.Outcome, failure.IsTold);
    }

    /// <summary>Answers in the worker's place; a response that has started can only be cut, so that nobody takes it for whole.</summary>
    private static async ValueTask RefuseAsync(Exchange exchange, Refusal refusal, RequestOutcome outcome, bool told = true)
    {
        exchange.Outcome = outcome;
        // what nobody answers the server would take for a 200
        if (!told || exchange.HasStarted) exchange.Lifetime.Abort();
        else await refusal.WriteAsync(exchange);
    }

    private static Upgrade UpgradeOf(Exchange exchange)
    {
        if (exchange.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" }) return Upgrade.Http2;
        return exchange.RequestHeaders.Upgrade is { Count: 1 } wanted && "websocket".Equals(wanted[0], StringComparison.OrdinalIgnoreCase) &&
            exchange.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } ? Upgrade.Http1 : Upgrade.None;
    }

    private static bool IsIdempotent(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method) || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method);
}
