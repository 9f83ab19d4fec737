using System.Reflection;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;

namespace Quarterdeck.Plugins.Life;

/// <summary>What a plug-in's appliance finds in its environment, and whether the package is made for this console.</summary>
internal sealed class PluginEnvironment(ConsoleAuthority authority, ApplianceAddress address, HostConnections hosts, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1), Glance = TimeSpan.FromMilliseconds(200);

    public const string Token = "quarterdeck.enrolment.token";

    /// <summary>How guests on these networks reach the console; the problem says why they don't.</summary>
    public async Task<Result<Uri>> UrlAsync(Guid hostId, IReadOnlyList<string> networks, CancellationToken cancellation) =>
        hosts.Get(hostId).TryGet(out var hypervisor, out var away) ? await address.ForAsync(networks, hypervisor, cancellation) : away;

    /// <summary>What an appliance needs at every start. Waits a little: just after a start of the console neither the host is connected nor the appliance listener up.</summary>
    /// <exception cref="TransientException">Its guests cannot reach the console now.</exception>
    public async Task<IReadOnlyDictionary<string, string>> StaysAsync(Guid pluginId, Guid hostId, IReadOnlyList<string> networks, CancellationToken cancellation) => new Dictionary<string, string>
    {
        ["quarterdeck.console.url"] = (await PatientlyAsync(hostId, networks, cancellation)).GetLeftPart(UriPartial.Authority),
        ["quarterdeck.console.ca"] = await authority.CertificateAsync(cancellation),
        ["quarterdeck.plugin.instance"] = pluginId.ToString("D"),
    };

    private async Task<Uri> PatientlyAsync(Guid hostId, IReadOnlyList<string> networks, CancellationToken cancellation)
    {
        for (var begun = time.GetTimestamp(); ; await Task.Delay(Glance, time, cancellation))
            if ((await UrlAsync(hostId, networks, cancellation)).TryGet(out var url, out var problem)) return url;
            else if (problem.Kind is not ProblemKind.Unavailable) throw new ProblemException(problem);
            else if (time.GetElapsedTime(begun) > Patience) throw new TransientException(problem.Detail);
    }

    /// <summary>Refuses a plug-in that is made for other consoles, before its VM exists.</summary>
    /// <exception cref="ProblemException">Says which consoles it works with.</exception>
    public static void Fits(PluginManifest manifest)
    {
        var version = typeof(PluginEnvironment).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
        if (manifest.Console is { } text && VersionRange.TryParse(text, out var range) && SemanticVersion.TryParse(version, out var console) && !range.Holds(console))
            throw new ProblemException(Problem.Conflict("The plug-in is made for other consoles", $"{manifest.Name} {manifest.Version} works with consoles {text}; this one is {version}. Ask its publisher for a version that fits."));
    }
}
