using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Door;

/// <summary>The address that a libvirt network gave to one of the VM's own cards.</summary>
internal static class LeasedAddress
{
    private static readonly TimeSpan Knock = TimeSpan.FromSeconds(2);

    public static async Task<Result<IPEndPoint>> FindAsync(IHypervisor hypervisor, DomainRecord domain, IReadOnlyList<GuestCard> cards, int port, CancellationToken cancellation)
    {
        var networks = (await hypervisor.NetworksAsync(cancellation)).ToDictionary(n => n.Name, StringComparer.Ordinal);
        var usable = cards.Where(c => c.Network is { } name && networks.TryGetValue(name, out var network) && network.Active && Reaches(hypervisor, network)).ToArray();
        if (usable.Length == 0) return Unreachable(domain, cards.Count == 0 ? "It has no network card." : hypervisor.SharesFileSystem
            ? "None of its network cards is on a user network or on a libvirt network that gives out addresses, so the console does not know where it is. Put it on a libvirt network such as 'default'."
            : "Its host is another machine, and none of its network cards is on a libvirt network that is routed from here.");
        var own = Own();
        var found = (await hypervisor.LeasesAsync(domain.Uuid, cancellation))
            .Where(l => usable.Any(c => string.Equals(c.Mac, l.Mac, StringComparison.OrdinalIgnoreCase) && Fits(l, networks[c.Network!], own)))
            .Select(l => new IPEndPoint(IPAddress.Parse(l.Address), port)).Reverse().ToArray();
        if (found.Length == 0) return Unreachable(domain, $"No address was given to its network card on '{usable[0].Network}' yet. Wait until its guest has started.");
        // A card may hold an old lease beside its present one.
        foreach (var candidate in found.Length == 1 ? [] : found)
            if (await AnswersAsync(candidate, cancellation)) return candidate;
        return found[0];
    }

    // Behind another machine's NAT the same address may be a different VM of this one.
    private static bool Reaches(IHypervisor hypervisor, NetworkInfo network) => hypervisor.SharesFileSystem || network.Mode is "route" or "open";

    /// <summary>Whether it can be a guest's: inside the network, and neither the network's host nor one of this machine's own addresses.</summary>
    internal static bool Fits(GuestLease lease, NetworkInfo network, IReadOnlySet<IPAddress> own)
    {
        if (!IPAddress.TryParse(lease.Address, out var address) || address.AddressFamily is not AddressFamily.InterNetwork || own.Contains(address)) return false;
        if (!IPAddress.TryParse(network.Address, out var host) || host.AddressFamily is not AddressFamily.InterNetwork || lease.Prefix is < 8 or > 30 || address.Equals(host)) return false;
        var bytes = address.GetAddressBytes();
        if (bytes[0] is 0 or 127 or >= 224 || bytes is [169, 254, ..]) return false; // this host, loopback, multicast and beyond, link-local with the metadata services
        var inside = new IPNetwork(new IPAddress(Masked(host, lease.Prefix)), lease.Prefix);
        return inside.Contains(address) && !address.Equals(inside.BaseAddress) && !address.Equals(Last(inside));
    }

    private static byte[] Masked(IPAddress address, int prefix) => BitConverter.GetBytes(IPAddress.HostToNetworkOrder((int)(Number(address) & (uint.MaxValue << (32 - prefix)))));

    private static IPAddress Last(IPNetwork network) => new(BitConverter.GetBytes(IPAddress.HostToNetworkOrder((int)(Number(network.BaseAddress) | ~(uint.MaxValue << (32 - network.PrefixLength))))));

    private static uint Number(IPAddress address) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    private static HashSet<IPAddress> Own() => [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses).Select(a => a.Address)];

    private static async Task<bool> AnswersAsync(IPEndPoint at, CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Knock);
        try
        {
            await socket.ConnectAsync(at, limit.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested)) { return false; }
    }

    private static Problem Unreachable(DomainRecord domain, string why) => Problem.Unavailable("The plug-in's VM cannot be reached", $"The VM '{domain.Name}': {why}");
}
