using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Tests.Appliances;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class LifeTests
{
    [Fact]
    public async Task A_disabled_plug_in_is_not_heard_until_it_is_enabled()
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();

        await SucceedAsync(node, await node.Plugins.DisableAsync(DeployNode.Admin, plugin.PluginId, stopVm: false, default));
        (await StateAsync(node, plugin)).ShouldBe(PluginState.Disabled);
        (await node.BeatAsync(plugin)).Ok.ShouldBeFalse();
        (await node.Fake.DomainAsync("probe", default))!.State.ShouldBe(VmState.Running);

        var enabling = (await node.Plugins.EnableAsync(DeployNode.Admin, plugin.PluginId, default)).Value;
        await node.AtStepAsync(enabling, "ready");
        (await node.BeatAsync(plugin)).Ok.ShouldBeTrue();
        (await node.EndAsync(enabling)).State.ShouldBe(OperationState.Succeeded);
        (await StateAsync(node, plugin)).ShouldBe(PluginState.Ready);
    }

    [Fact]
    public async Task Its_VM_is_stopped_and_started_with_it_when_asked_for()
    {
        await using var node = await DeployNode.StartAsync(plugins: o => o.ReadyWindow = TimeSpan.FromMilliseconds(100));
        var plugin = await node.InstalledAsync();

        await SucceedAsync(node, await node.Plugins.DisableAsync(DeployNode.Admin, plugin.PluginId, stopVm: true, default));
        (await node.Fake.DomainAsync("probe", default))!.State.ShouldBe(VmState.Off);

        var ended = await node.EndAsync((await node.Plugins.EnableAsync(DeployNode.Admin, plugin.PluginId, default)).Value);
        ended.State.ShouldBe(OperationState.Warning, "it is enabled, but was not heard");
        (await node.Fake.DomainAsync("probe", default))!.State.ShouldBe(VmState.Running);
        (await StateAsync(node, plugin)).ShouldBe(PluginState.Unreachable);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("domain")]
    [InlineData("everything on the host")]
    [InlineData("the host itself")]
    public async Task Uninstalled_it_leaves_nothing_whatever_was_gone_before(string gone)
    {
        await using var node = await DeployNode.StartAsync();
        var plugin = await node.InstalledAsync();
        var vm = (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value.VmId;
        if (gone is "domain" or "everything on the host")
        {
            await node.Fake.DestroyAsync(vm, default);
            await node.Fake.UndefineAsync(vm, default);
        }
        if (gone is "everything on the host") foreach (var path in node.Fake.Volumes) await node.Fake.DeleteVolumeAsync(path, default);
        var files = node.Fake.Volumes;
        if (gone is "the host itself") (await node.Service<HostRegistry>().RemoveAsync(DeployNode.Admin, node.HostId, default)).Ok.ShouldBeTrue();

        var ended = await node.EndAsync((await node.Plugins.UninstallAsync(DeployNode.Admin, plugin.PluginId, default)).Value);

        (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        (await node.BeatAsync(plugin)).Ok.ShouldBeFalse();
        if (gone is "the host itself")
        {
            ended.State.ShouldBe(OperationState.Warning);
            (await node.RowsAsync()).ShouldBeEmpty();
            (await node.Service<OperationReader>().LogAsync(DeployNode.Admin, ended.Id, 0, 100, default)).Value.Count(l => files.Any(f => l.Text.Contains(f))).ShouldBe(files.Count);
            return;
        }
        ended.State.ShouldBe(OperationState.Succeeded, $"{ended.Problem}");
        (await node.LeftAsync()).ShouldBeEmpty();
        await node.InstalledAsync(); // its key and its name are free again
    }

    [Fact]
    public async Task Installed_used_upgraded_and_uninstalled_it_leaves_no_row_in_any_table_but_the_records_of_what_was_done()
    {
        await using var node = await DeployNode.StartAsync();
        var before = await node.TableRowsAsync();
        var manifest = OvaBuilder.Plugin.Replace("\"ui\":{", "\"webhooks\":{\"path\":\"/events\",\"port\":80,\"events\":[\"vm.state\"]},\"ui\":{");
        var plugin = await node.InstalledAsync(manifest: manifest);
        plugin.WebhookSecret.ShouldNotBeNull();
        var upgrade = await UpgradeTests.BeginAsync(node, plugin, manifest.Replace("1.0.0", "2.0.0"));
        await node.AtStepAsync(upgrade, "ready");
        await UpgradeTests.BeatAsync(node, plugin, "2.0.0");
        await SucceedAsync(node, upgrade);
        await SucceedAsync(node, await node.Plugins.DisableAsync(DeployNode.Admin, plugin.PluginId, stopVm: true, default));

        await SucceedAsync(node, await node.Plugins.UninstallAsync(DeployNode.Admin, plugin.PluginId, default));

        (await node.LeftAsync()).ShouldBeEmpty();
        (await node.TableRowsAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task A_second_plug_in_with_the_key_is_refused_and_the_first_stays()
    {
        await using var node = await DeployNode.StartAsync();
        var first = await node.InstalledAsync();
        var left = await node.LeftAsync();

        var ended = await node.EndAsync((await node.BeginAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build(), node.Spec("other"))).Value);

        ended.Problem!.Title.ShouldBe("The plug-in is installed already");
        (await node.LeftAsync()).Order().ShouldBe(left.Order());
        (await StateAsync(node, first)).ShouldBe(PluginState.Ready);
    }

    [Fact]
    public async Task Only_administrators_change_plug_ins_and_only_in_states_that_allow_it()
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.InstalledAsync()).PluginId;
        var ann = DeployNode.Admin with { Role = Role.Operator };

        (await node.Plugins.GetAsync(ann, id, default)).Ok.ShouldBeTrue();
        (await node.Plugins.DisableAsync(ann, id, false, default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Plugins.EnableAsync(ann, id, default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Plugins.UninstallAsync(ann, id, default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Plugins.EnableAsync(DeployNode.Admin, id, default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await node.Plugins.DisableAsync(DeployNode.Admin, Guid.NewGuid(), false, default)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
    }

    private static async Task SucceedAsync(DeployNode node, Result<Guid> queued) => (await node.EndAsync(queued.Value)).State.ShouldBe(OperationState.Succeeded);

    private static async Task<PluginState> StateAsync(DeployNode node, EnrolmentAnswer plugin) => (await node.Plugins.GetAsync(DeployNode.Admin, plugin.PluginId, default)).Value.State;
}
