using System.Net;

namespace Quarterdeck.Workers.Egress;

/// <summary>Where the subrequests of one worker may go: names, names under a wildcard, networks.</summary>
internal sealed class AllowList
{
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _endings = [];
    private readonly List<IPNetwork> _networks = [];

    /// <summary>Everything that is public.</summary>
    public static AllowList Public { get; } = new(null);

    public AllowList(IReadOnlyList<string>? entries)
    {
        Everywhere = entries is null;
        foreach (var entry in entries ?? [])
        {
            if (IPNetwork.TryParse(entry, out var network)) _networks.Add(network);
            else if (IPAddress.TryParse(entry, out var address)) _networks.Add(new IPNetwork(address, address.AddressFamily is System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128));
            else if (entry.StartsWith("*.", StringComparison.Ordinal)) _endings.Add(entry[1..]);
            else _names.Add(entry);
        }
    }

    /// <summary>Whether there is no list.</summary>
    public bool Everywhere { get; }

    /// <summary>Whether the address decides: its connections must not be shared with workers that have other lists.</summary>
    public bool ByAddress => _networks.Count > 0;

    /// <summary>Whether the name alone allows it.</summary>
    public bool AllowsName(string host) => Everywhere || _names.Contains(host) || _endings.Exists(ending => host.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the address allows it.</summary>
    public bool AllowsAddress(IPAddress address) => _networks.Exists(network => network.Contains(address));
}
