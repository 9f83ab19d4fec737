using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Life;

/// <summary>Takes the package of a newer version in, while the present one runs.</summary>
internal sealed class Upgrades(ApplianceImport import, ApplianceExchange exchange, AuditLog audit, TimeProvider time)
{
    private static readonly PluginState[] From = [PluginState.Ready, PluginState.Degraded, PluginState.Unreachable];

    public async Task<Result<Guid>> BeginAsync(Caller caller, PluginRow plugin, UpgradeSpec spec, Stream ova, long? length, Action<Guid>? began, CancellationToken cancellation)
    {
        if (!From.Contains(plugin.State))
            return Problem.Conflict("The plug-in's state forbids it", $"{plugin.Name} is {plugin.State.ToString().ToLowerInvariant()}. {(plugin.State is PluginState.Disabled ? "Enable it first." : "Wait until that is over.")}");
        var input = new UpgradeInput(plugin.Id, plugin.Version, new ExchangeOrder(plugin.ApplianceId, Guid.CreateVersion7(time.GetUtcNow()), plugin.VmId, plugin.ToPlugin().DataDisks), spec.AllowDowngrade, spec.Capabilities);
        var wanted = new NewOperation(UpgradeHandler.UpgradeKind.Key, $"plugin:{plugin.Id:D}", plugin.Name, input)
        {
            Locks = [new ResourceLock($"plugin:{plugin.Id:D}", LockMode.Exclusive), new ResourceLock($"vm:{plugin.VmId:D}", LockMode.Exclusive)],
        };
        var appliance = new ApplianceSpec
        {
            Name = plugin.Name, HostId = plugin.HostId, Properties = spec.Properties, Networks = spec.Networks, DeploymentOption = spec.DeploymentOption, AcceptEula = spec.AcceptEula, AllowUnsigned = spec.AllowUnsigned,
        };
        var queued = await import.AttendAsync(caller, wanted, async (operation, stop) =>
        {
            var package = await exchange.ReceiveAsync(operation, input.Order, appliance, ova, length, stop);
            await operation.StepAsync("check", "Checking the version", _ => Task.FromResult(Manifest(package, plugin, input).Version));
        }, cancellation, began);
        if (queued.Ok) await audit.WriteAsync(caller, "plugin.upgrade", $"plugin:{plugin.Id:D}", plugin.Name, new { plugin.Version }, new { operationId = queued.Value, spec.AllowDowngrade, spec.Capabilities }, cancellation);
        return queued;
    }

    /// <summary>The new version's manifest, when it may take the old one's place.</summary>
    /// <exception cref="ProblemException">It may not, and why.</exception>
    private static PluginManifest Manifest(ExchangePackage package, PluginRow plugin, UpgradeInput input)
    {
        if (!package.Files.TryGetValue(PluginManifest.FileName, out var bytes))
            throw new ProblemException(Problem.Conflict("The package is no plug-in", $"It carries no {PluginManifest.FileName} that its digests cover, so that it cannot be told what it would replace."));
        var manifest = PluginManifest.Parse(bytes, PluginManifest.FileName).Value;
        PluginEnvironment.Fits(manifest);
        if (manifest.Key != plugin.Key)
            throw new ProblemException(Problem.Conflict("The package is another plug-in", $"It is {manifest.Key}; {plugin.Name} is {plugin.Key}. Install it as a plug-in of its own."));
        if (!input.AllowDowngrade && SemanticVersion.TryParse(manifest.Version, out var to) && SemanticVersion.TryParse(plugin.Version, out var from) && to.CompareTo(from) <= 0)
            throw new ProblemException(Problem.Conflict("The package is not newer", $"It is version {manifest.Version}, and {plugin.Version} is installed. Send allowDowngrade: true if that is meant."));
        if (input.Capabilities?.FirstOrDefault(c => !manifest.Capabilities.Contains(c)) is { } unasked)
            throw new ProblemException(Problem.Invalid("capabilities", $"The package does not ask for '{unasked}'.", manifest.Capabilities.Count == 0 ? "It asks for none." : $"It asks for: {string.Join(", ", manifest.Capabilities)}."));
        return manifest;
    }

    /// <summary>What the plug-in may do in its new version: nothing that was not approved.</summary>
    public static IReadOnlyList<string> Approved(PluginRow plugin, PluginManifest manifest, IReadOnlyList<string>? wanted) =>
        [.. (wanted ?? JsonSerializer.Deserialize<string[]>(plugin.ApprovedCapabilities)!).Intersect(manifest.Capabilities)];
}
