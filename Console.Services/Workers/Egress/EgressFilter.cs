using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Egress;

/// <summary>The only way out for workers: resolves the name, checks each address, connects to the address that was checked, speaks TLS with the name that was asked for.</summary>
/// <remarks>TLS ends here rather than in the isolate: the compute server has no network, and what workers see is the response alone. A name that means another address a moment later (DNS rebinding) changes nothing, because nothing is resolved twice.</remarks>
internal sealed class EgressFilter : IDisposable
{
    private const int MostPools = 64;
    private static readonly HttpRequestOptionsKey<AllowList> ListOf = new("allow list");

    private readonly ComputeServerOptions _options;
    private readonly IPNetwork[] _inside;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly ConcurrentDictionary<WorkerKey, AllowList> _lists = new();
    private readonly ConcurrentDictionary<WorkerKey, HttpMessageInvoker> _pools = new();
    private readonly HttpMessageInvoker _public;

    public EgressFilter(IOptions<WorkersOptions> options) : this(options, Dns.GetHostAddressesAsync) { }

    internal EgressFilter(IOptions<WorkersOptions> options, Func<string, CancellationToken, Task<IPAddress[]>> resolve)
    {
        (_options, _resolve) = (options.Value.Servers, resolve);
        _inside = [.. _options.AllowedNetworks.Select(IPNetwork.Parse)];
        _public = Pool();
    }

    /// <summary>Forwards a subrequest, or says 403 with the reason, 502 or 504.</summary>
    public async Task AnswerAsync(HttpContext context, CodePackages packages)
    {
        var request = context.Request;
        if (!WorkerKey.TryParse(((string?)request.Headers["x-quarterdeck-worker"])?.Split('+')[0], out var key))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "No worker was named.");
            return;
        }
        var list = ListFor(key, packages);
        var scheme = request.Headers["x-quarterdeck-scheme"] == "http" ? "http" : "https";
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!target.StartsWith('/') || !Uri.TryCreate($"{scheme}://{request.Host.Value}{target}", UriKind.Absolute, out var uri) || uri.UserInfo.Length > 0)
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "The URL is not understood.");
            return;
        }
        if (uri.Port == 25 || !list.AllowsName(uri.IdnHost) && !list.ByAddress)
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, uri.Port == 25 ? "Port 25 is for mail." : $"{uri.IdnHost} is not on the worker's list of hosts.");
            return;
        }
        using var outgoing = Forward.Request(context, uri);
        outgoing.Options.Set(ListOf, list);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        late.CancelAfter(TimeSpan.FromSeconds(_options.SubrequestSeconds));
        HttpResponseMessage response;
        try { response = await PoolFor(key, list).SendAsync(outgoing, late.Token); }
        catch (HttpRequestException e)
        {
            var refused = Refusal(e);
            await RefuseAsync(context, refused is null ? StatusCodes.Status502BadGateway : StatusCodes.Status403Forbidden, refused ?? $"{uri.IdnHost} cannot be reached: {e.InnerException?.Message ?? e.Message}");
            return;
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            await RefuseAsync(context, StatusCodes.Status504GatewayTimeout, $"{uri.IdnHost} did not answer within {_options.SubrequestSeconds} s.");
            return;
        }
        late.CancelAfter(Timeout.InfiniteTimeSpan);
        using (response) await Forward.ResponseAsync(context, response, _options.SubresponseBytes);
    }

    public void Dispose()
    {
        _public.Dispose();
        foreach (var pool in _pools.Values) pool.Dispose();
    }

    private AllowList ListFor(WorkerKey key, CodePackages packages) =>
        _lists.TryGetValue(key, out var known) ? known
            // A worker that sends something was loaded from here; were its code forgotten meanwhile, it may go nowhere until it is loaded again.
            : packages.Find(key) is { } package ? _lists.GetOrAdd(key, package.Egress is null ? AllowList.Public : new AllowList(package.Egress)) : new AllowList([]);

    private HttpMessageInvoker PoolFor(WorkerKey key, AllowList list)
    {
        if (!list.ByAddress) return _public;
        if (_pools.Count > MostPools)
            foreach (var old in _pools.Keys.Take(MostPools / 2))
                if (_pools.TryRemove(old, out var gone)) gone.Dispose();
        return _pools.GetOrAdd(key, _ => Pool());
    }

    private HttpMessageInvoker Pool() => new(new SocketsHttpHandler
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None, ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(10), PooledConnectionLifetime = TimeSpan.FromMinutes(2), PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxConnectionsPerServer = 128, MaxResponseHeadersLength = 128, ConnectCallback = ConnectAsync,
    });

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        context.InitialRequestMessage.Options.TryGetValue(ListOf, out var list);
        IPAddress[] addresses;
        try { addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await _resolve(host, cancellation); }
        catch (SocketException e) { throw new HttpRequestException($"The name {host} is not known.", e); }
        // One private address among public ones is an attack, not an alternative.
        foreach (var address in addresses)
            if (!Allowed(address)) throw new EgressRefusedException($"{host} is {address}, which workers may not reach.");
        if (list is { ByAddress: true } && !list.AllowsName(host)) addresses = [.. addresses.Where(list.AllowsAddress)];
        if (addresses.Length == 0) throw new EgressRefusedException($"{host} is not on the worker's list of hosts and networks.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private bool Allowed(IPAddress address) =>
        PublicAddress.Is(address) || Array.Exists(_inside, network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));

    private static string? Refusal(Exception e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
            if (cause is EgressRefusedException) return cause.Message;
        return null;
    }

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["x-quarterdeck-egress"] = status == StatusCodes.Status403Forbidden ? "refused" : "failed";
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(reason + "\n", context.RequestAborted);
    }

    private sealed class EgressRefusedException(string reason) : IOException(reason);
}
