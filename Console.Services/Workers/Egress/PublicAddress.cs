using System.Net;

namespace Quarterdeck.Workers.Egress;

/// <summary>Tells addresses of the open Internet from all others.</summary>
internal static class PublicAddress
{
    // IANA's special-purpose registries (RFC 6890 and its updates), multicast, and the ways of carrying an IPv4 address in an IPv6 one: Teredo, 6to4, NAT64, mapped, compatible.
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        }.Select(IPNetwork.Parse),
    ];

    // Of IPv6 only what is handed out to the public is public; the rest of 2000::/3 is looked at more closely.
    private static readonly IPNetwork Unicast = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] SpecialUnicast = [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20" }.Select(IPNetwork.Parse)];

    /// <summary>Whether anybody on the Internet would reach the same machine by it.</summary>
    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily is System.Net.Sockets.AddressFamily.InterNetwork) return !Array.Exists(Special, network => network.Contains(address));
        return Unicast.Contains(address) && !Array.Exists(SpecialUnicast, network => network.Contains(address));
    }
}
