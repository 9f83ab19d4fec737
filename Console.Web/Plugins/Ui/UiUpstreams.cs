using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>Connections to the guests of plug-ins. Each new one asks the <see cref="PluginDoor"/> anew where the guest is, so that none goes to an address that another program took over meanwhile.</summary>
/// <remarks>
/// A guest's certificate is not checked: where the connection leads is what the hypervisor says, and it does not leave the host's own network.
/// No redirects are followed, no cookies kept, no proxies used, nothing unpacked.
/// </remarks>
internal sealed class UiUpstreams : IDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);
    private readonly PluginDoor _door;
    private readonly HttpMessageInvoker _invoker;

    public UiUpstreams(PluginDoor door)
    {
        _door = door;
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, UseProxy = false, AutomaticDecompression = DecompressionMethods.None, ActivityHeadersPropagator = null,
            ConnectTimeout = ConnectLimit, MaxConnectionsPerServer = 4000, MaxResponseHeadersLength = 32, MaxResponseDrainSize = 0,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
            ConnectCallback = ConnectAsync,
        });
    }

    /// <summary>The address by which <see cref="SendAsync"/> knows a port of a plug-in's guest.</summary>
    public static string Authority(Plugin plugin) => string.Create(CultureInfo.InvariantCulture, $"{plugin.Ui!.Scheme}://p{plugin.Id:N}:{plugin.Ui.Port}");

    /// <summary>Sends a request; answers when the headers are there.</summary>
    /// <exception cref="HttpRequestException">The guest is not reached (a <see cref="ProblemException"/> inside says why) or answers badly.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation) => _invoker.SendAsync(request, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _invoker.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var end = (await _door.OpenAsync(Guid.ParseExact(context.DnsEndPoint.Host.AsSpan(1), "N"), context.DnsEndPoint.Port, cancellation)).Value;
        var socket = new Socket(end.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(end, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
