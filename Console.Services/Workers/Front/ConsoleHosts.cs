using System.Net;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Front;

/// <summary>Host names under which people use the console. Browsers send its cookies to every port of them, so no worker may answer there.</summary>
internal sealed class ConsoleHosts(ConsoleOptions console, IOptions<WorkersOptions> options)
{
    private readonly HashSet<string> _names = new([.. Named(console.Urls), .. options.Value.OwnHostnames], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a host name, without port, is the console's: one it listens on or was told, this machine itself, or an address instead of a name.</summary>
    public bool Contains(string host) => host.Length == 0 || char.IsAsciiDigit(host[^1]) && IPAddress.TryParse(host, out _) || host[0] == '[' || _names.Contains(host) || host.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<string> Named(string urls) =>
        from url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        let host = url.IndexOf("://", StringComparison.Ordinal) is > 0 and var at ? RequestTarget.HostName(url[(at + 3)..].Split('/')[0]) : ""
        where host.Length > 0 && host is not ("*" or "+")
        select host;
}
