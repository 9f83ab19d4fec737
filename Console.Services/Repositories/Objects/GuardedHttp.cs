using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;

namespace Quarterdeck.Repositories.Objects;

/// <summary>Connections that go to public addresses only, unless an administrator allowed others. Checked on the address that is connected to: a name may change what it means.</summary>
internal sealed class GuardedHttp(bool allowPrivate) : HttpClientFactory
{
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, MaxConnectionsPerServer = 32, ConnectTimeout = TimeSpan.FromSeconds(15), ConnectCallback = ConnectAsync })
        { Timeout = Timeout.InfiniteTimeSpan };

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellation);
        if (!allowPrivate && addresses.FirstOrDefault(address => !IsPublic(address)) is { } inside) throw new IOException(Refusal(context.DnsEndPoint.Host, inside));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Refusal(string host, IPAddress address) =>
        $"{host} has the private address {address}; such endpoints are refused. An administrator may allow them: Quarterdeck__Repositories__AllowPrivateEndpoints=true.";

    /// <summary>The innermost reason that was written for people, else the outermost.</summary>
    public static string Reason(Exception e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
            if (cause is IOException or SocketException) return cause.Message.TrimEnd('.') + ".";
        return e.Message.TrimEnd('.') + ".";
    }

    /// <summary>Whether an address is one of the open internet.</summary>
    internal static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address)) return false;
        var bytes = address.GetAddressBytes();
        if (address.AddressFamily is AddressFamily.InterNetworkV6)
        {
            // 6to4, Teredo and NAT64 carry an IPv4 address that may be a private one.
            var carries = bytes[0] == 0x20 && bytes[1] == 0x02 || bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0 || bytes[0] == 0 && bytes[1] == 0x64;
            return !carries && !address.IsIPv6LinkLocal && !address.IsIPv6SiteLocal && !address.IsIPv6Multicast && (bytes[0] & 0xfe) != 0xfc && !address.Equals(IPAddress.IPv6Any) && bytes.AsSpan(0, 12).ContainsAnyExcept((byte)0);
        }
        return bytes switch
        {
            [0 or 10 or 127 or >= 224, ..] => false,
            [100, >= 64 and < 128, ..] or [169, 254, ..] or [172, >= 16 and < 32, ..] or [192, 168, ..] or [192, 0, 0 or 2, _] or [198, 18 or 19, ..] => false,
            _ => true,
        };
    }
}
