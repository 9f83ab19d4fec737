using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Life;

/// <summary>Tries a newer version, and keeps it once it says that it is well; whatever happens before that leads back to the version that was there.</summary>
internal sealed class UpgradeHandler(
    PluginStore plugins, TokenStore tokens, TrialStore trials, ApplianceExchange exchange, PluginEnvironment environment, EventStream<Plugin> stream, AuditLog audit,
    TimeProvider time, IOptions<PluginsOptions> options) : IOperationHandler
{
    /// <summary>Not retryable by a person: the upload is gone with the request.</summary>
    public static readonly OperationKind UpgradeKind = new("plugin.upgrade", "Upgrade plug-in", PluginPermissions.Manage) { Retryable = false };

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

    public OperationKind Kind => UpgradeKind;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<UpgradeInput>();
        var package = await exchange.PackageAsync(operation);
        var bytes = package.Files[PluginManifest.FileName];
        var manifest = PluginManifest.Parse(bytes, PluginManifest.FileName).Value;
        var plugin = await plugins.FindAsync(input.PluginId, cancellation) ?? throw Gone();
        var hash = await operation.StepAsync("environment", "Writing its environment", async ct =>
        {
            var token = TokenText.New(TokenText.Enrolment);
            var added = new Dictionary<string, string>(await environment.StaysAsync(plugin.Id, plugin.HostId, package.Networks, ct)) { [PluginEnvironment.Token] = token, ["quarterdeck.upgrade.from"] = input.From };
            await exchange.WriteEnvironmentAsync(operation, input.Order, added, ct);
            return TokenText.Hash(token);
        });
        await exchange.ExchangeAsync(operation, input.Order, async ct =>
        {
            await trials.BeginAsync(plugin.Id, operation.Id, manifest, PluginManifest.Digest(bytes), hash, Upgrades.Approved(plugin, manifest, input.Capabilities), ct);
            Changed(plugin.Id);
        });
        await exchange.StartAsync(operation, input.Order, async ct =>
        {
            await tokens.OpenWindowAsync(plugin.Id, time.GetUtcNow() + options.Value.EnrolmentWindow, ct);
            Changed(plugin.Id);
        });
        await operation.StepAsync("ready", "Waiting until the new version is ready", ct => ReadyAsync(plugin.Id, manifest, operation, ct));
        await operation.StepAsync("keep", "Keeping the new version", async ct =>
        {
            if (await trials.KeepAsync(plugin.Id, operation.Id, input.Order.NewId, ct)) await audit.WriteAsync(operation.RequestedBy, "plugin.upgraded", Target(plugin.Id), manifest.Name, new { version = input.From }, new { manifest.Version }, ct);
            Changed(plugin.Id);
        });
        await exchange.KeepAsync(operation, input.Order, await environment.StaysAsync(plugin.Id, plugin.HostId, package.Networks, cancellation));
        Changed(plugin.Id);
        return new { pluginId = plugin.Id, vmId = plugin.VmId, from = input.From, manifest.Version };
    }

    private async Task ReadyAsync(Guid id, PluginManifest manifest, IOperationContext operation, CancellationToken cancellation)
    {
        var limit = options.Value.UpgradeWindow;
        for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < limit; await Task.Delay(Glance, time, cancellation))
        {
            if (await trials.HeardAsync(id, cancellation)) return;
            if (await plugins.FindAsync(id, cancellation) is null) throw Gone();
            if (!await exchange.RunsAsync(operation, cancellation))
                throw new ProblemException(Problem.Unavailable("The new version did not start", $"The VM of {manifest.Name} {manifest.Version} powered itself off before it said that it is well. The version before runs again."));
        }
        throw new ProblemException(Problem.Unavailable("The new version did not become ready",
            $"{manifest.Name} did not say within {limit.TotalMinutes:0.#} minutes that it is well in version {manifest.Version}. The version before runs again. A heartbeat must carry the new version, or the appliance must enrol anew."));
    }

    public async Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        var input = operation.Input<UpgradeInput>();
        if (await trials.KeptAsync(input.PluginId, input.Order.NewId, cancellation))
        {
            operation.Log("The new version was kept already: it stays, and what is left of the old one is removed.");
            var plugin = (await plugins.FindAsync(input.PluginId, cancellation))!;
            var networks = (await exchange.PackageAsync(operation)).Networks;
            await exchange.FinishAsync(notes, input.Order, await environment.StaysAsync(plugin.Id, plugin.HostId, networks, cancellation), cancellation);
            Changed(plugin.Id);
            return;
        }
        // First the row, so that the old version's first heartbeat is accepted.
        if (await trials.TakeBackAsync(input.PluginId, operation.Id, cancellation)) await audit.WriteAsync(operation.RequestedBy, "plugin.upgrade.undone", Target(input.PluginId), null, null, new { version = input.From }, cancellation);
        await exchange.GoBackAsync(operation, notes, input.Order, cancellation);
        Changed(input.PluginId);
    }

    private void Changed(Guid id) => stream.Changed(id.ToString("D"));

    private static string Target(Guid id) => $"plugin:{id:D}";

    private static ProblemException Gone() => new(Problem.Conflict("The plug-in is gone", "The plug-in was removed while it was being upgraded."));
}
