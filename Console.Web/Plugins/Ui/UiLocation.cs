using System.Text.RegularExpressions;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>Redirects of a guest: followed by the browser inside the ticket's address, refused to anywhere else.</summary>
internal static partial class UiLocation
{
    [GeneratedRegex("<([^>]*)>")]
    private static partial Regex LinkTarget();

    /// <summary>Where in the console a redirect leads; null when it leads out.</summary>
    /// <param name="location">The guest's <c>Location</c>.</param>
    /// <param name="address">What was asked for.</param>
    /// <param name="ui">The guest's own address as it knows it.</param>
    /// <param name="console">The host name that the browser used, for guests that mind <c>X-Forwarded-Host</c>.</param>
    public static string? Inside(string location, UiAddress address, PluginUi ui, HostString console)
    {
        if (location.Length > 8192 || location.Any(c => c is < '!' or > '~' or '\\')) return null;
        var guest = new Uri($"{ui.Scheme}://localhost:{ui.Port}/");
        if (!Uri.TryCreate(guest, address.Target, out var here) || !Uri.TryCreate(here, location, out var there)) return null;
        if (there.Scheme is not ("http" or "https") || there.UserInfo.Length > 0) return null;
        var path = there.PathAndQuery + there.Fragment;
        var forwarded = path.StartsWith(address.Prefix + "/", StringComparison.Ordinal);
        if (IsGuest(there, ui)) return forwarded ? path : address.Prefix + path;
        // It spoke of the console's address: right only below its own prefix.
        return forwarded && there.Host == console.Host && there.Port == (console.Port ?? (there.Scheme == "https" ? 443 : 80)) ? path : null;
    }

    /// <summary>Whether all targets of a <c>Link</c> header are below the page's own folder.</summary>
    public static bool AreInside(string link) =>
        LinkTarget().Matches(link) is { Count: > 0 } targets && targets.All(t => t.Groups[1].Value is var target && target.Length > 0
            && !target.StartsWith('/') && !target.StartsWith('\\') && !target.Contains("..", StringComparison.Ordinal) && !target.Contains(':', StringComparison.Ordinal) && !target.Contains('%', StringComparison.Ordinal));

    private static bool IsGuest(Uri uri, PluginUi ui) => uri is { Host: "localhost" } && uri.Scheme == ui.Scheme && uri.Port == ui.Port;
}
