using System.Text.Json;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Life;

/// <summary>The plug-in part of a deployment: gives the appliance its token, and waits until it has enrolled and is well.</summary>
internal sealed class PluginContributor(
    PluginStore plugins, TokenStore tokens, PluginEnvironment environment, EventStream<Plugin> stream, AuditLog audit, PermissionCatalogue catalogue,
    TimeProvider time, IOptions<PluginsOptions> options) : IEnvironmentContributor
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

    public IReadOnlyList<string> Files => [PluginManifest.FileName];

    public IReadOnlyList<OvaCapability> Asks(IReadOnlyDictionary<string, byte[]> files)
    {
        if (!files.TryGetValue(PluginManifest.FileName, out var bytes) || !PluginManifest.Parse(bytes, PluginManifest.FileName).TryGet(out var manifest, out _)) return [];
        return [.. manifest.Capabilities.Distinct(StringComparer.Ordinal).Select(key => catalogue.Find(key) is { } known
            ? new OvaCapability(key, known.Description, known.Minimum.ToString().ToLowerInvariant())
            : new OvaCapability(key, null, null))];
    }

    public async Task<bool> JoinAsync(ApplianceDeployment deployment, IOperationContext operation, CancellationToken cancellation)
    {
        if (!deployment.Files.TryGetValue(PluginManifest.FileName, out var bytes) && deployment.Plugin is not true || deployment.Plugin is false) return false;
        var manifest = bytes is null ? null : PluginManifest.Parse(bytes, PluginManifest.FileName).Value;
        if (manifest is not null) PluginEnvironment.Fits(manifest);
        if (manifest is not null && deployment.ApprovedCapabilities.FirstOrDefault(a => !manifest.Capabilities.Contains(a, StringComparer.Ordinal)) is { } more)
            throw new ProblemException(Problem.Invalid("capabilities", $"The plug-in does not ask for '{more}'.", $"Approve some of: {string.Join(", ", manifest.Capabilities.DefaultIfEmpty("none"))}."));
        _ = (await UrlAsync(deployment, cancellation)).Value;
        var now = time.GetUtcNow();
        var columns = ManifestColumns.Of(manifest);
        var row = new PluginRow(
            Guid.CreateVersion7(now), deployment.Id, deployment.OperationId, deployment.HostId, deployment.VmId, manifest?.Key ?? "", manifest?.Name ?? deployment.VmName, manifest?.Vendor ?? deployment.Product.Vendor,
            manifest?.Version ?? deployment.Product.Version, manifest?.Description ?? "", columns.Capabilities, columns.Ui, manifest?.Json,
            bytes is null ? null : PluginManifest.Digest(bytes), PluginState.Deploying, HealthState.Unknown, null, null, null, now, columns.Contributes, columns.Webhook, columns.DataDisks,
            JsonSerializer.Serialize(deployment.ApprovedCapabilities.Where(key => catalogue.Find(key) is not null))); // what this console does not know is never granted
        var id = (await plugins.AddAsync(row, cancellation)).Value;
        await audit.WriteAsync(operation.RequestedBy, "plugin.install", $"plugin:{id:D}", row.Name, null, new { row.Key, row.Version, row.VmId, approved = deployment.ApprovedCapabilities }, cancellation);
        stream.Changed(id.ToString("D"));
        return true;
    }

    private Task<Result<Uri>> UrlAsync(ApplianceDeployment deployment, CancellationToken cancellation) => environment.UrlAsync(deployment.HostId, deployment.Networks, cancellation);

    public async Task<IReadOnlyDictionary<string, string>> PropertiesAsync(ApplianceDeployment deployment, CancellationToken cancellation)
    {
        var plugin = await FindAsync(deployment, cancellation);
        var token = TokenText.New(TokenText.Enrolment);
        await tokens.OfferAsync(plugin.Id, TokenText.Hash(token), cancellation);
        return new Dictionary<string, string>(await StaysAsync(deployment, plugin, cancellation)) { [PluginEnvironment.Token] = token };
    }

    private Task<IReadOnlyDictionary<string, string>> StaysAsync(ApplianceDeployment deployment, PluginRow plugin, CancellationToken cancellation) =>
        environment.StaysAsync(plugin.Id, deployment.HostId, deployment.Networks, cancellation);

    public async Task PowerOnAsync(ApplianceDeployment deployment, CancellationToken cancellation)
    {
        var plugin = await FindAsync(deployment, cancellation);
        await tokens.OpenWindowAsync(plugin.Id, time.GetUtcNow() + options.Value.EnrolmentWindow, cancellation);
        stream.Changed(plugin.Id.ToString("D"));
    }

    public async Task<IReadOnlyDictionary<string, string>> FollowAsync(
        ApplianceDeployment deployment, IOperationContext operation, Func<IReadOnlyDictionary<string, string>, CancellationToken, Task> seal, CancellationToken cancellation)
    {
        var id = await operation.StepAsync("enrol", "Waiting for enrolment", ct => EnrolledAsync(deployment, ct));
        await operation.StepAsync("seal", "Taking the token out of the environment", async ct => await seal(await StaysAsync(deployment, await FindAsync(deployment, ct), ct), ct));
        if (!await operation.StepAsync("ready", "Waiting until it is ready", ct => ReadyAsync(id, ct)))
            operation.Warn($"The plug-in enrolled, but did not say within {options.Value.ReadyWindow.TotalMinutes:0} minutes that it is well. Its page tells its health.");
        return new Dictionary<string, string> { ["pluginId"] = id.ToString("D") };
    }

    private async Task<Guid> EnrolledAsync(ApplianceDeployment deployment, CancellationToken cancellation)
    {
        while (true)
        {
            var plugin = await FindAsync(deployment, cancellation);
            if (plugin.EnrolledAt is not null) return plugin.Id;
            if ((await tokens.WindowAsync(plugin.Id, cancellation)) <= time.GetUtcNow())
                throw new ProblemException(Problem.Unavailable("The appliance did not enrol",
                    $"It was powered on, but did not enrol within {options.Value.EnrolmentWindow.TotalMinutes:0} minutes, and was removed. Its guests must reach {(await UrlAsync(deployment, cancellation)).Then(u => u.ToString())} — check the network it was mapped to — and the package must speak the plug-in protocol."));
            await Task.Delay(Glance, time, cancellation);
        }
    }

    private async Task<bool> ReadyAsync(Guid id, CancellationToken cancellation)
    {
        var until = time.GetUtcNow() + options.Value.ReadyWindow;
        while (time.GetUtcNow() < until)
        {
            if (await plugins.FindAsync(id, cancellation) is not { } plugin) throw Gone();
            if (plugin.State is PluginState.Ready) return true;
            if (plugin.State is PluginState.Uninstalling) throw Gone();
            await Task.Delay(Glance, time, cancellation);
        }
        return false;
    }

    private async Task<PluginRow> FindAsync(ApplianceDeployment deployment, CancellationToken cancellation) => await plugins.OfApplianceAsync(deployment.Id, cancellation) ?? throw Gone();

    private static ProblemException Gone() => new(Problem.Conflict("The plug-in is gone", "The plug-in was removed while it was being deployed."));

    public async Task LeaveAsync(Guid applianceId, CancellationToken cancellation)
    {
        if (await plugins.OfApplianceAsync(applianceId, cancellation) is not { } plugin) return;
        await plugins.RemoveAsync(plugin.Id, cancellation);
        stream.Remove(plugin.Id.ToString("D"));
    }
}
