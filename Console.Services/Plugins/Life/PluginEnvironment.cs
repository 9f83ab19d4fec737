using System.Reflection;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;

namespace Quarterdeck.Plugins.Life;

/// <summary>What a plug-in's appliance finds in its environment, and whether the package is made for this console.</summary>
internal sealed class PluginEnvironment(ConsoleAuthority authority, ApplianceAddress address, HostConnections hosts)
{
    public const string Token = "quarterdeck.enrolment.token";

    /// <summary>How guests on these networks reach the console; the problem says why they don't.</summary>
    public async Task<Result<Uri>> UrlAsync(Guid hostId, IReadOnlyList<string> networks, CancellationToken cancellation) =>
        hosts.Get(hostId).TryGet(out var hypervisor, out var away) ? await address.ForAsync(networks, hypervisor, cancellation) : away;

    /// <summary>What an appliance needs at every start.</summary>
    public async Task<IReadOnlyDictionary<string, string>> StaysAsync(Guid pluginId, Guid hostId, IReadOnlyList<string> networks, CancellationToken cancellation) => new Dictionary<string, string>
    {
        ["quarterdeck.console.url"] = (await UrlAsync(hostId, networks, cancellation)).Value.GetLeftPart(UriPartial.Authority),
        ["quarterdeck.console.ca"] = await authority.CertificateAsync(cancellation),
        ["quarterdeck.plugin.instance"] = pluginId.ToString("D"),
    };

    /// <summary>Refuses a plug-in that is made for other consoles, before its VM exists.</summary>
    /// <exception cref="ProblemException">Says which consoles it works with.</exception>
    public static void Fits(PluginManifest manifest)
    {
        var version = typeof(PluginEnvironment).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
        if (manifest.Console is { } text && VersionRange.TryParse(text, out var range) && SemanticVersion.TryParse(version, out var console) && !range.Holds(console))
            throw new ProblemException(Problem.Conflict("The plug-in is made for other consoles", $"{manifest.Name} {manifest.Version} works with consoles {text}; this one is {version}. Ask its publisher for a version that fits."));
    }
}
