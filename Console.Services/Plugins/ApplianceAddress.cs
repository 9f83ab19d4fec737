using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins;

/// <summary>Where the appliance listener listens, and how guests reach it.</summary>
public sealed class ApplianceAddress
{
    /// <summary>The port unless <c>QUARTERDECK_APPLIANCE_URL</c> names another one.</summary>
    public const int DefaultPort = 5443;

    /// <summary>Where guests on user networks find the loopback of their host.</summary>
    public const string UserNetworkHost = "10.0.2.2";

    private readonly Uri? _configured;
    private readonly string _memory;
    private volatile IReadOnlyList<IPAddress> _listening = [];

    /// <exception cref="InvalidDataException"><c>QUARTERDECK_APPLIANCE_URL</c> is no https address.</exception>
    public ApplianceAddress(ConsoleOptions options)
    {
        _memory = Path.Combine(options.DataFolder, "appliance-port");
        if (options.ApplianceUrl is not { } text) return;
        if (!Uri.TryCreate(text, UriKind.Absolute, out _configured) || _configured.Scheme != Uri.UriSchemeHttps || _configured.PathAndQuery != "/" || _configured.UserInfo.Length > 0)
            throw new InvalidDataException($"QUARTERDECK_APPLIANCE_URL: '{text}' is no https address without a path. Example: QUARTERDECK_APPLIANCE_URL=https://192.0.2.10:{DefaultPort}");
    }

    /// <summary>The port that is listened on; 0 until the listener is up.</summary>
    public int Port { get; private set; }

    /// <summary>Why it does not listen; null while it does.</summary>
    public string? Problem { get; private set; } = "The appliance listener is not up yet.";

    /// <summary>Ports to try in this order: the configured one alone, or the one used last time, the default one, and any.</summary>
    public IReadOnlyList<int> PortCandidates()
    {
        if (_configured is not null) return [_configured.Port];
        var last = File.Exists(_memory) && int.TryParse(File.ReadAllText(_memory), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? port : DefaultPort;
        return [.. new[] { last, DefaultPort, 0 }.Distinct()];
    }

    /// <summary>Addresses to listen on: loopback, libvirt's bridges, and what the configured host names here; any address when it names none of this machine.</summary>
    public async Task<IReadOnlyList<IPAddress>> AddressesAsync(CancellationToken cancellation)
    {
        var cards = NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses.Select(a => (n.Name, a.Address))).Where(a => a.Address.AddressFamily is AddressFamily.InterNetwork).ToArray();
        var addresses = new HashSet<IPAddress> { IPAddress.Loopback };
        addresses.UnionWith(cards.Where(c => c.Name.StartsWith("virbr", StringComparison.Ordinal)).Select(c => c.Address));
        if (_configured is null || _configured.Host == UserNetworkHost) return [.. addresses];
        var named = IPAddress.TryParse(_configured.Host, out var literal) ? [literal] : await ResolveAsync(_configured.Host, cancellation);
        var here = named.Where(a => IPAddress.IsLoopback(a) || cards.Any(c => c.Address.Equals(a))).ToArray();
        if (here.Length == 0) return [IPAddress.Any];
        addresses.UnionWith(here);
        return [.. addresses];
    }

    private static async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        try { return await Dns.GetHostAddressesAsync(host, AddressFamily.InterNetwork, cancellation); }
        catch (SocketException) { return []; }
    }

    /// <summary>Names the listener's certificate must have for <paramref name="addresses"/>.</summary>
    public IReadOnlyCollection<string> Names(IReadOnlyList<IPAddress> addresses)
    {
        var names = new HashSet<string> { UserNetworkHost, "127.0.0.1", "localhost" };
        names.UnionWith(addresses.Where(a => !a.Equals(IPAddress.Any)).Select(a => a.ToString()));
        if (_configured is not null) names.Add(_configured.Host);
        return names;
    }

    /// <summary>The listener is up.</summary>
    public void Listening(int port, IReadOnlyList<IPAddress> addresses)
    {
        (Port, _listening, Problem) = (port, addresses, null);
        if (_configured is null) File.WriteAllText(_memory, port.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The listener is not up, and why.</summary>
    public void NotListening(string problem) => Problem = problem;

    /// <summary>How guests on these networks of a host reach the listener.</summary>
    /// <param name="networks">Host networks as design.md names them.</param>
    /// <param name="hypervisor">The host.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Unavailable when they don't, with the remedy.</returns>
    public async Task<Result<Uri>> ForAsync(IReadOnlyList<string> networks, IHypervisor hypervisor, CancellationToken cancellation)
    {
        if (Problem is { } problem) return Platform.Problem.Unavailable("The appliance listener is not up", problem);
        if (_configured is not null) return At(_configured.Host);
        if (networks.Contains("user") && hypervisor.SharesFileSystem) return At(UserNetworkHost);
        if (hypervisor.SharesFileSystem)
            foreach (var network in await hypervisor.NetworksAsync(cancellation))
                if (networks.Contains(network.Name) && network.Address is { } text && IPAddress.TryParse(text, out var address) && _listening.Contains(address)) return At(text);
        return Platform.Problem.Unavailable("Guests cannot reach the console",
            $"The appliance listener is not on the networks {string.Join(", ", networks)}. Set QUARTERDECK_APPLIANCE_URL to an https address of this machine that guests there reach, or use a libvirt network.");
    }

    private Uri At(string host) => new UriBuilder(Uri.UriSchemeHttps, host, Port).Uri;
}
