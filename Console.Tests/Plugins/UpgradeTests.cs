using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Tests.Appliances;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class UpgradeTests
{
    internal static readonly string Second = OvaBuilder.Plugin.Replace("1.0.0", "2.0.0");

    [Fact]
    public async Task A_newer_version_takes_the_place_of_the_old_one_in_the_same_VM_with_its_data_addresses_and_settings()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync(properties: [("hostname", "harbour"), ("admin.password", "s3cret")]);
        var before = await StandAsync(node, plugin);

        var upgrade = await BeginAsync(node, plugin, Second);
        await node.AtStepAsync(upgrade, "ready");
        var trial = await StandAsync(node, plugin);
        trial.Plugin.State.ShouldBe(PluginState.Enrolling);
        trial.Plugin.UpgradingTo.ShouldBe("2.0.0");
        trial.Plugin.UpgradeOperationId.ShouldBe(upgrade);
        trial.Disks["data"].ShouldNotBe(before.Disks["data"], "the new version writes to the data disk itself before it is kept");
        var environment = Environment(node, trial);
        environment["hostname"].ShouldBe("harbour");
        environment["quarterdeck.upgrade.from"].ShouldBe("1.0.0");
        environment["quarterdeck.plugin.instance"].ShouldBe(plugin.PluginId.ToString());
        environment.ShouldContainKey("quarterdeck.enrolment.token");
        environment.ShouldNotContainKey("admin.password");
        node.Fake.Contents[trial.Disks["data"]] = [2];
        (await BeatAsync(node, plugin, "2.0.0")).Ok.ShouldBeTrue("the appliance found its token on its data disk");

        (await node.EndAsync(upgrade)).State.ShouldBe(OperationState.Succeeded);
        var after = await StandAsync(node, plugin);
        after.Plugin.Version.ShouldBe("2.0.0");
        after.Plugin.State.ShouldBe(PluginState.Ready);
        after.Plugin.EnrolledAt.ShouldBe(before.Plugin.EnrolledAt);
        after.Plugin.UpgradingTo.ShouldBeNull();
        (after.Plugin.VmId, after.Domain.Name, after.Macs).ShouldBe((before.Plugin.VmId, before.Domain.Name, before.Macs));
        after.Disks["data"].ShouldBe(before.Disks["data"]);
        after.Disks["system"].ShouldNotBe(before.Disks["system"]);
        node.Fake.Contents[after.Disks["data"]].ShouldBe([2]);
        node.Fake.Volumes.Count.ShouldBe(before.Volumes.Count);
        node.Fake.Volumes.ShouldNotContain(before.Disks["system"]);
        Environment(node, after).ShouldNotContainKey("quarterdeck.enrolment.token");
        (await node.Plugins.HistoryAsync(DeployNode.Admin, plugin.PluginId, default)).Value.Select(m => (m.State, m.Version)).Take(2).ShouldBe([(PluginState.Ready, "2.0.0"), (PluginState.Enrolling, "1.0.0")]);

        (await node.EndAsync((await node.Plugins.UninstallAsync(DeployNode.Admin, plugin.PluginId, default)).Value)).State.ShouldBe(OperationState.Succeeded);
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("it is silent")]
    [InlineData("it says that it is not well")]
    [InlineData("it says the old version")]
    [InlineData("it enrols anew and is not well")]
    [InlineData("it powers itself off")]
    [InlineData("cancelled")]
    public async Task A_version_that_does_not_become_ready_makes_room_for_the_one_before(string how)
    {
        var patience = how is "it powers itself off" or "cancelled" ? TimeSpan.FromMinutes(5) : TimeSpan.FromSeconds(4);
        await using var node = await DeployNode.StartAsync(plugins: o => o.UpgradeWindow = patience);
        var plugin = await node.InstalledAsync();
        var before = await StandAsync(node, plugin);
        node.Fake.Contents[before.Disks["data"]] = [1];

        var upgrade = await BeginAsync(node, plugin, Second);
        await node.AtStepAsync(upgrade, "ready");
        var trial = await StandAsync(node, plugin);
        node.Fake.Contents[trial.Disks["data"]] = [2];
        if (how == "it says that it is not well") await BeatAsync(node, plugin, "2.0.0", "failed");
        if (how == "it says the old version") await BeatAsync(node, plugin, "1.0.0");
        if (how == "it enrols anew and is not well") await BeatAsync(node, await EnrolAnewAsync(node, trial), "2.0.0", "failed");
        if (how == "it powers itself off") await node.Fake.DestroyAsync(trial.Domain.Uuid, default);
        if (how == "cancelled") (await node.Service<OperationQueue>().CancelAsync(DeployNode.Admin, upgrade, default)).Ok.ShouldBeTrue();

        var ended = await node.EndAsync(upgrade);
        ended.State.ShouldBe(how == "cancelled" ? OperationState.Cancelled : OperationState.Failed);
        if (how != "cancelled") ended.Problem!.Detail.ShouldContain("The version before runs again");
        var after = await StandAsync(node, plugin);
        after.Volumes.ShouldBe(before.Volumes, ignoreOrder: true);
        after.Disks.ShouldBe(before.Disks);
        node.Fake.Contents[after.Disks["data"]].ShouldBe([1]);
        after.Domain.State.ShouldBe(VmState.Running);
        after.Plugin.UpgradingTo.ShouldBeNull();
        (await BeatAsync(node, plugin, "1.0.0")).Ok.ShouldBeTrue("the old version's token is not accepted any more");
        after = await StandAsync(node, plugin);
        (after.Plugin with { Health = before.Plugin.Health }).ToString().ShouldBe(before.Plugin.ToString());

        var again = await BeginAsync(node, plugin, Second);
        await node.AtStepAsync(again, "ready");
        await BeatAsync(node, plugin, "2.0.0");
        (await node.EndAsync(again)).State.ShouldBe(OperationState.Succeeded);
    }

    [Fact]
    public async Task Cancelled_while_the_old_version_shuts_down_it_is_started_again()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        node.Fake.ShutdownTakes = TimeSpan.FromSeconds(2);
        var upgrade = await BeginAsync(node, plugin, Second);
        await HostsNode.UntilAsync(() => Task.FromResult(node.Fake.ShuttingDown), shutdown => shutdown != Task.CompletedTask, 60);

        (await node.Service<OperationQueue>().CancelAsync(DeployNode.Admin, upgrade, default)).Ok.ShouldBeTrue();
        (await node.EndAsync(upgrade)).State.ShouldBe(OperationState.Cancelled);

        await node.Fake.ShuttingDown;
        (await StandAsync(node, plugin)).Domain.State.ShouldBe(VmState.Running);
    }

    [Fact]
    public async Task An_appliance_without_its_identity_enrols_anew_as_the_same_plug_in()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        var upgrade = await BeginAsync(node, plugin, Second);
        await node.AtStepAsync(upgrade, "ready");

        var again = await EnrolAnewAsync(node, await StandAsync(node, plugin));
        again.PluginId.ShouldBe(plugin.PluginId);
        await BeatAsync(node, again, null);

        (await node.EndAsync(upgrade)).State.ShouldBe(OperationState.Succeeded);
        (await BeatAsync(node, plugin, "2.0.0")).Ok.ShouldBeFalse("the old version's token is still accepted");
        (await BeatAsync(node, again, "2.0.0")).Ok.ShouldBeTrue();
    }

    [Theory]
    [InlineData("another key", "The package is another plug-in")]
    [InlineData("the same version", "The package is not newer")]
    [InlineData("no manifest", "The package is no plug-in")]
    [InlineData("no place for its data", "The package gives up a data disk")]
    [InlineData("a snapshot", "The VM has snapshots")]
    [InlineData("a capability it does not ask for", "The request is not valid")]
    [InlineData("a broken package", "")]
    public async Task What_cannot_take_its_place_is_refused_and_nothing_of_it_stays(string what, string title)
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        var before = await StandAsync(node, plugin);
        var (manifest, spec) = (Second, new UpgradeSpec { AcceptEula = true, AllowUnsigned = true });
        Func<string, string> descriptor = text => text;
        if (what == "another key") manifest = Second.Replace("org.example.probe", "org.example.other");
        if (what == "the same version") manifest = OvaBuilder.Plugin;
        if (what == "no place for its data") descriptor = text => text.Replace("\"data\"", "\"cache\"").Replace("/disk/data", "/disk/cache");
        if (what == "a capability it does not ask for") spec = spec with { Capabilities = ["vms.manage"] };
        if (what == "a snapshot") await node.Fake.CreateSnapshotAsync(before.Domain.Uuid, "mine", "", default);
        var ova = new OvaBuilder { Manifest = what == "no manifest" ? null : manifest, Descriptor = descriptor }.Build();
        if (what == "a broken package") ova = ova[..(ova.Length / 2)];

        var refused = await node.Plugins.UpgradeAsync(DeployNode.Admin, plugin.PluginId, spec, new MemoryStream(ova), ova.Length, default);

        refused.Problem.ShouldNotBeNull();
        if (title.Length > 0) refused.Problem.Title.ShouldBe(title);
        (await StandAsync(node, plugin)).Volumes.ShouldBe(before.Volumes, ignoreOrder: true);
        (await node.RowsAsync()).Count.ShouldBe(3);
        (await StandAsync(node, plugin)).Plugin.State.ShouldBe(PluginState.Ready);
    }

    [Fact]
    public async Task An_older_version_is_taken_when_that_is_meant()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        var upgrade = await BeginAsync(node, plugin, OvaBuilder.Plugin.Replace("1.0.0", "0.9.0"), new UpgradeSpec { AcceptEula = true, AllowUnsigned = true, AllowDowngrade = true });
        await node.AtStepAsync(upgrade, "ready");
        await BeatAsync(node, plugin, "0.9.0");
        (await node.EndAsync(upgrade)).State.ShouldBe(OperationState.Succeeded);
    }

    [Fact]
    public async Task Only_administrators_upgrade()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        var refused = await node.Plugins.UpgradeAsync(DeployNode.Admin with { Role = Role.Operator }, plugin.PluginId, new UpgradeSpec(), Stream.Null, null, default);
        refused.Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }

    internal static async Task<Guid> BeginAsync(DeployNode node, EnrolmentAnswer plugin, string manifest, UpgradeSpec? spec = null)
    {
        var ova = new OvaBuilder { Manifest = manifest }.Build();
        return (await node.Plugins.UpgradeAsync(DeployNode.Admin, plugin.PluginId, spec ?? new UpgradeSpec { AcceptEula = true, AllowUnsigned = true }, new MemoryStream(ova), ova.Length, default)).Value;
    }

    private static async Task<EnrolmentAnswer> EnrolAnewAsync(DeployNode node, Stand trial)
    {
        var environment = Environment(node, trial);
        var request = new EnrolmentRequest(environment["quarterdeck.enrolment.token"], JsonSerializer.Deserialize<JsonElement>(Second), PluginManifest.Digest(Encoding.UTF8.GetBytes(Second)), environment["quarterdeck.plugin.instance"]);
        return (await node.Service<Enrolment>().EnrolAsync(request, default)).Value;
    }

    internal static Task<Result<HeartbeatAnswer>> BeatAsync(DeployNode node, EnrolmentAnswer plugin, string? version, string state = "healthy") =>
        node.Service<Enrolment>().HeartbeatAsync(plugin.PluginId, plugin.Token, new Heartbeat(new HeartbeatHealth(state), version), default);

    private static Dictionary<string, string> Environment(DeployNode node, Stand stand) => DeployNode.EnvironmentIn(node.Fake.Contents[stand.Disks.Single(d => d.Value.EndsWith(".iso", StringComparison.Ordinal)).Value]);

    /// <summary>Where everything stands: the plug-in, its domain, the domain's disks by their serials, MAC addresses, and all volumes.</summary>
    private static async Task<Stand> StandAsync(DeployNode node, EnrolmentAnswer plugin)
    {
        var found = (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value;
        var domain = (await node.Fake.DomainAsync(found.VmId, default))!;
        var xml = XElement.Parse(domain.Xml);
        return new Stand(found, domain, xml.Descendants("disk").ToDictionary(d => (string?)d.Element("serial") ?? "cd", d => (string)d.Element("source")!.Attribute("file")!),
            string.Join(' ', xml.Descendants("mac").Select(m => (string)m.Attribute("address")!)), [.. node.Fake.Volumes]);
    }

    private sealed record Stand(Plugin Plugin, DomainRecord Domain, Dictionary<string, string> Disks, string Macs, IReadOnlyCollection<string> Volumes);
}
