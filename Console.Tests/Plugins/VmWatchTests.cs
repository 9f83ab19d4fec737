using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Life;
using Quarterdeck.Tests.Appliances;
using Quarterdeck.Tests.Hosts;

namespace Quarterdeck.Tests.Plugins;

/// <summary>What people do to a plug-in's VM by other means.</summary>
public sealed class VmWatchTests
{
    private const string Elsewhere = "qemu+tls://elsewhere/system";

    [Theory]
    [InlineData("off", "Its VM probe is off. Start it.")]
    [InlineData("paused", "Its VM probe is paused. Resume it.")]
    [InlineData("gone", "Its VM is gone: it was deleted outside the console.")]
    [InlineData("host away", "Its host fake is disconnected")]
    [InlineData("nothing", "Its VM probe runs, but its heartbeats are missing.")]
    public async Task A_silent_plug_in_says_why(string what, string reason)
    {
        await using var node = await DeployNode.StartAsync(plugins: Quick);
        var plugin = await node.InstalledAsync();
        var vm = (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value.VmId;
        if (what == "off") await node.Fake.DestroyAsync(vm, default);
        if (what == "paused") await node.Fake.PauseAsync(vm, default);
        if (what == "gone") await DeleteAsync(node.Fake, vm);
        if (what == "host away") { node.Refuse("The machine is off."); node.Fake.Close("The machine is off."); }

        var silent = await UntilAsync(node, plugin, p => p.State is PluginState.Unreachable && p.Health.Reason!.StartsWith(reason, StringComparison.Ordinal));

        silent.Health.State.ShouldBe(HealthState.Unknown);
        (await HistoryAsync(node, plugin)).ShouldContain(m => m.Reason == silent.Health.Reason);
    }

    [Fact]
    public async Task A_VM_that_was_renamed_is_followed_by_its_upgrade_and_its_removal()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        var vm = (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value.VmId;
        await node.Service<VmWatch>().LookAsync(default);
        await node.Fake.RenameAsync(vm, "lighthouse", default);
        await HostsNode.UntilAsync(() => node.Service<HostConnections>().OfDomainAsync(vm, default), all => all.Single().Name == "lighthouse", 30);

        await node.Service<VmWatch>().LookAsync(default);
        (await HistoryAsync(node, plugin))[0].Reason.ShouldBe("Its VM is called lighthouse now; it was probe.");

        var upgrade = await UpgradeTests.BeginAsync(node, plugin, UpgradeTests.Second);
        await node.AtStepAsync(upgrade, "ready");
        await UpgradeTests.BeatAsync(node, plugin, "2.0.0");
        (await node.EndAsync(upgrade)).State.ShouldBe(OperationState.Succeeded);
        (await node.Fake.DomainAsync(vm, default))!.Name.ShouldBe("lighthouse");
        await UninstallAsync(node, plugin);
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_VM_that_was_moved_to_another_host_is_disabled_enabled_and_removed_there()
    {
        await using var node = await DeployNode.StartAsync(plugins: o => o.ReadyWindow = TimeSpan.FromMilliseconds(100));
        var plugin = await node.InstalledAsync();
        var found = (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value;
        var other = await node.AddHostAsync("elsewhere", Elsewhere);
        var there = node.FakeAt(Elsewhere);
        // As a migration with its storage does.
        foreach (var path in node.Fake.Volumes) await there.CreateVolumeAsync(new NewVolume("default", Path.GetFileName(path), "qcow2", 1 << 20), default);
        await there.DefineAsync((await node.Fake.DomainAsync(found.VmId, default))!.Xml, default);
        await there.StartAsync(found.VmId, default);
        await DeleteAsync(node.Fake, found.VmId);
        foreach (var path in node.Fake.Volumes) await node.Fake.DeleteVolumeAsync(path, default);
        await HostsNode.UntilAsync(() => node.Service<HostConnections>().OfDomainAsync(found.VmId, default), all => all is [{ State: VmState.Running } vm] && vm.HostId == other, 30);

        await node.Service<VmWatch>().LookAsync(default);

        var moved = (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value;
        moved.HostId.ShouldBe(other);
        (await HistoryAsync(node, plugin))[0].Reason.ShouldBe("Its VM is on the host elsewhere now.");
        (await node.EndAsync((await node.Plugins.DisableAsync(DeployNode.Admin, plugin.PluginId, stopVm: true, default)).Value)).State.ShouldBe(OperationState.Succeeded);
        (await there.DomainAsync(found.VmId, default))!.State.ShouldBe(VmState.Off);
        await node.EndAsync((await node.Plugins.EnableAsync(DeployNode.Admin, plugin.PluginId, default)).Value);
        (await there.DomainAsync(found.VmId, default))!.State.ShouldBe(VmState.Running);
        await UninstallAsync(node, plugin);
        there.Volumes.ShouldBeEmpty();
        (await there.DomainsAsync(default)).ShouldBeEmpty();
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_plug_in_whose_VM_is_gone_stays_disabled_and_says_so()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        var vm = (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value.VmId;
        await DeleteAsync(node.Fake, vm);
        await HostsNode.UntilAsync(() => node.Service<HostConnections>().OfDomainAsync(vm, default), all => all.Count == 0, 30);
        (await node.EndAsync((await node.Plugins.DisableAsync(DeployNode.Admin, plugin.PluginId, stopVm: true, default)).Value)).State.ShouldBe(OperationState.Succeeded);

        var ended = await node.EndAsync((await node.Plugins.EnableAsync(DeployNode.Admin, plugin.PluginId, default)).Value);

        ended.Problem!.Title.ShouldBe("The VM is gone");
        (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value.State.ShouldBe(PluginState.Disabled);
    }

    private static void Quick(PluginsOptions options) => (options.HeartbeatSeconds, options.DegradedAfter, options.UnreachableAfter) = (1, 1, 2);

    private static async Task DeleteAsync(FakeHypervisor fake, Guid vm)
    {
        await fake.DestroyAsync(vm, default);
        await fake.UndefineAsync(vm, default);
    }

    private static async Task UninstallAsync(DeployNode node, EnrolmentAnswer plugin) =>
        (await node.EndAsync((await node.Plugins.UninstallAsync(DeployNode.Admin, plugin.PluginId, default)).Value)).State.ShouldBe(OperationState.Succeeded);

    private static async Task<IReadOnlyList<PluginMoment>> HistoryAsync(DeployNode node, EnrolmentAnswer plugin) => (await node.Plugins.HistoryAsync(DeployNode.Admin, plugin.PluginId, default)).Value;

    private static Task<Plugin> UntilAsync(DeployNode node, EnrolmentAnswer plugin, Func<Plugin, bool> holds) =>
        HostsNode.UntilAsync(async () => (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value, holds, 40);
}
