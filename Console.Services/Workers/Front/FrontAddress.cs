using System.Net;

namespace Quarterdeck.Workers.Front;

/// <summary>One of <c>QUARTERDECK_WORKER_URLS</c>.</summary>
/// <param name="Secure">Whether it speaks TLS.</param>
/// <param name="Address">Null for every address of this machine.</param>
/// <param name="Port">0 for any free one.</param>
internal sealed record FrontAddress(bool Secure, IPAddress? Address, int Port)
{
    /// <summary>The addresses of a list with semicolons; none for an empty one.</summary>
    /// <exception cref="InvalidDataException">One is wrong; the message names the setting, and gives an example.</exception>
    public static IReadOnlyList<FrontAddress> Parse(string urls) =>
        [.. urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(One)];

    private static FrontAddress One(string url)
    {
        var known = url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
        if (!Uri.TryCreate(known, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.PathAndQuery != "/" || uri.UserInfo.Length > 0) throw Wrong(url, "it is not an address such as http://127.0.0.1:8787");
        if (known != url) return new(uri.Scheme == "https", null, uri.Port);
        if (uri.Host == "localhost") return new(uri.Scheme == "https", IPAddress.Loopback, uri.Port);
        if (!IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address)) throw Wrong(url, "its host is a name; take an address of this machine, or * for all");
        return new(uri.Scheme == "https", address, uri.Port);
    }

    private static InvalidDataException Wrong(string url, string why) => new($"QUARTERDECK_WORKER_URLS: '{url}' cannot be used: {why}. Example: QUARTERDECK_WORKER_URLS=http://127.0.0.1:8787;https://0.0.0.0:8443");
}
