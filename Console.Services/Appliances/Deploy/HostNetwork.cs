using System.Text.RegularExpressions;
using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Networks of the host as people name them: <c>user</c>, <c>bridge:NAME</c>, or a libvirt network.</summary>
internal static partial class HostNetwork
{
    public const string User = "user";
    private const string Bridge = "bridge:";

    [GeneratedRegex("^[A-Za-z0-9_.-]{1,15}$")]
    private static partial Regex BridgeName();

    public static bool IsName(string? network) => network is { Length: > 0 and <= 200 } && !network.Any(char.IsControl) && !network.Contains('/')
        && (!network.StartsWith(Bridge, StringComparison.Ordinal) || BridgeName().IsMatch(network[Bridge.Length..]));

    /// <summary>The host network of each of the package's networks; libvirt's <c>default</c> where nothing was said and the host has it.</summary>
    /// <exception cref="ProblemException">A network is not mapped, or the host has no such network.</exception>
    public static async Task<IReadOnlyDictionary<string, string>> MapAsync(IReadOnlyDictionary<string, string> wanted, IReadOnlyList<OvaNetwork> networks, IHypervisor hypervisor, CancellationToken cancellation)
    {
        if (networks.Count == 0) return wanted;
        var known = (await hypervisor.NetworksAsync(cancellation)).ToDictionary(n => n.Name);
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        var errors = new List<FieldError>();
        foreach (var network in networks)
        {
            var there = $"The host has: {string.Join(", ", known.Keys.Append("user").Append("bridge:NAME"))}.";
            var target = wanted.GetValueOrDefault(network.Name) ?? (known.ContainsKey("default") ? "default" : null);
            if (target is null) errors.Add(new($"networks.{network.Name}", "The package's network is not mapped to one of the host.", there));
            else if (target != User && !target.StartsWith(Bridge, StringComparison.Ordinal) && !known.ContainsKey(target)) errors.Add(new($"networks.{network.Name}", $"The host has no network '{target}'.", there));
            else map[network.Name] = target;
        }
        return errors.Count > 0 ? throw new ProblemException(Problem.Invalid(errors)) : map;
    }

    /// <summary>Starts the libvirt networks among them that are not active.</summary>
    public static async Task StartAsync(IEnumerable<string> networks, IHypervisor hypervisor, CancellationToken cancellation)
    {
        var names = networks.Where(n => n != User && !n.StartsWith(Bridge, StringComparison.Ordinal)).ToHashSet();
        if (names.Count == 0) return;
        foreach (var network in await hypervisor.NetworksAsync(cancellation))
            if (!network.Active && names.Contains(network.Name)) await hypervisor.StartNetworkAsync(network.Name, cancellation);
    }

    /// <summary>The interface element without MAC address and model.</summary>
    public static XElement Interface(string network) => network switch
    {
        User => new XElement("interface", new XAttribute("type", "user")),
        _ when network.StartsWith(Bridge, StringComparison.Ordinal) => new XElement("interface", new XAttribute("type", "bridge"), new XElement("source", new XAttribute("bridge", network[Bridge.Length..]))),
        _ => new XElement("interface", new XAttribute("type", "network"), new XElement("source", new XAttribute("network", network))),
    };
}
