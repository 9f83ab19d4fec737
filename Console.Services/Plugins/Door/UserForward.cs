using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Door;

/// <summary>Forwards of QEMU's user network from loopback to a port of the guest, by its monitor. Its text is the only answer: the call succeeds even when the command fails.</summary>
internal static partial class UserForward
{
    /// <summary>What QEMU's own DHCP gives to the only guest of a user network.</summary>
    private const string Guest = "10.0.2.15";

    // TCP[HOST_FORWARD]  12       127.0.0.1 40161       10.0.2.15    80     0     0
    [GeneratedRegex(@"^\s*TCP\[HOST_FORWARD\]\s+\d+\s+(?<from>\S+)\s+(?<port>\d+)\s+(?<to>\S+)\s+(?<inner>\d+)\s")]
    private static partial Regex Line();

    // Hub -1 (hostnet0):   or, without hubs,   hostnet0:
    [GeneratedRegex(@"^(?:\S.*\()?(?<device>[\w.-]+)\)?:\s*$")]
    private static partial Regex Head();

    public static async Task<Result<IPEndPoint>> FindOrAddAsync(IHypervisor hypervisor, Guid domain, string device, int port, CancellationToken cancellation)
    {
        if (await FindAsync(hypervisor, domain, device, port, cancellation) is { } known) return known;
        var said = await hypervisor.MonitorAsync(domain, $"hostfwd_add {device} tcp:127.0.0.1:0-:{port.ToString(CultureInfo.InvariantCulture)}", human: true, cancellation);
        return await FindAsync(hypervisor, domain, device, port, cancellation) is { } made
            ? made
            : Problem.Unavailable("The plug-in's VM cannot be reached", $"QEMU did not forward a port to the VM: {(said.Trim() is { Length: > 0 } words ? words : "it said nothing")}.");
    }

    public static async Task RemoveAllAsync(IHypervisor hypervisor, Guid domain, string device, CancellationToken cancellation)
    {
        foreach (var (from, _) in Read(await hypervisor.MonitorAsync(domain, "info usernet", human: true, cancellation), device))
            await hypervisor.MonitorAsync(domain, $"hostfwd_remove {device} tcp:127.0.0.1:{from.ToString(CultureInfo.InvariantCulture)}", human: true, cancellation);
    }

    private static async Task<IPEndPoint?> FindAsync(IHypervisor hypervisor, Guid domain, string device, int port, CancellationToken cancellation) =>
        Read(await hypervisor.MonitorAsync(domain, "info usernet", human: true, cancellation), device)
            .Where(f => f.Inner == port).Select(f => new IPEndPoint(IPAddress.Loopback, f.From)).FirstOrDefault();

    /// <summary>The forwards of one device from loopback to its guest: port here, port inside.</summary>
    internal static IReadOnlyList<(int From, int Inner)> Read(string text, string device)
    {
        var list = new List<(int, int)>();
        var here = false;
        foreach (var line in text.Split('\n'))
        {
            if (Head().Match(line) is { Success: true } head) here = head.Groups["device"].Value == device;
            else if (here && Line().Match(line) is { Success: true } row && row.Groups["from"].Value == "127.0.0.1" && row.Groups["to"].Value == Guest)
                list.Add((int.Parse(row.Groups["port"].Value, CultureInfo.InvariantCulture), int.Parse(row.Groups["inner"].Value, CultureInfo.InvariantCulture)));
        }
        return list;
    }
}
