using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

/// <summary>What an administrator approves for a plug-in.</summary>
public sealed class CapabilityTests
{
    private const string Asking = """{"schema":1,"key":"org.example.probe","name":"Probe","vendor":"Example","version":"1.0.0","capabilities":["vms.read","vms.power","moon.land"]}""";

    [Fact]
    public async Task A_plug_in_gets_what_was_approved_and_nothing_else_that_it_asks_for()
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.BeginAsync(new OvaBuilder { Manifest = Asking }.Build(), node.Spec() with { Capabilities = ["vms.read"] })).Value;
        await node.AtStepAsync(id, "enrol");
        var enrolled = await node.EnrolAsync(Asking);
        (await node.EndAsync(id)).State.ShouldBe(OperationState.Succeeded);

        var plugin = (await node.Plugins.GetAsync(DeployNode.Admin, enrolled.PluginId, default)).Value;

        plugin.Capabilities.ShouldBe(["vms.read", "vms.power", "moon.land"]);
        plugin.ApprovedCapabilities.ShouldBe(["vms.read"]);
    }

    [Fact]
    public async Task Nothing_is_approved_unless_somebody_says_so()
    {
        await using var node = await DeployNode.StartAsync();
        var enrolled = await node.InstalledAsync(manifest: Asking);

        (await node.Plugins.GetAsync(DeployNode.Admin, enrolled.PluginId, default)).Value.ApprovedCapabilities.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_the_console_does_not_know_cannot_be_approved()
    {
        await using var node = await DeployNode.StartAsync();

        var problem = (await node.BeginAsync(new OvaBuilder { Manifest = Asking }.Build(), node.Spec() with { Capabilities = ["vms.read", "moon.land"] })).Problem!;

        problem.Errors.Single().ShouldSatisfyAllConditions(e => e.Field.ShouldBe("capabilities"), e => e.Message.ShouldContain("moon.land"));
    }

    [Fact]
    public async Task Nobody_approves_what_is_not_among_his_own_permissions()
    {
        await using var node = await DeployNode.StartAsync();
        var narrow = DeployNode.Admin with { Kind = CallerKind.Token, Scopes = new HashSet<string> { "appliances.deploy" } };
        var package = new OvaBuilder { Manifest = Asking }.Build();

        (await node.Import.BeginAsync(narrow, node.Spec() with { Capabilities = ["vms.power"] }, new MemoryStream(package), package.Length, default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }

    [Theory]
    [InlineData(true, "does not ask for 'vms.manage'")]
    [InlineData(false, "no plug-in")]
    public async Task What_was_not_asked_for_is_not_granted(bool plugin, string says)
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.BeginAsync(new OvaBuilder { Manifest = plugin ? Asking : null }.Build(), node.Spec() with { Capabilities = ["vms.manage"] })).Value;

        (await node.EndAsync(id)).Problem!.Detail.ShouldContain(says);
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_inspection_says_in_plain_words_what_is_asked_for()
    {
        await using var node = await DeployNode.StartAsync();

        var package = (await node.Import.InspectAsync(DeployNode.Admin, new MemoryStream(RichPackage.Builder().Build()), default)).Value;

        package.Capabilities.Select(c => (c.Key, c.Description, c.Minimum)).ShouldBe([
            ("vms.read", "See virtual machines", "viewer"), ("vms.power", "Start, stop, pause and reboot virtual machines", "operator"),
            ("users.read", null, null), ("moon.land", null, null)], "accounts are no room of this node");
        package.Options.Select(o => (o.Id, o.Vcpus, o.MemoryMiB, o.Disks.Count, o.Cards)).ShouldBe([("small", 1, 128, 1, 2), ("large", 4, 128, 2, 2)]);
        package.Properties.Single(p => p.Key == "workers").DefaultByOption.ShouldBe(new Dictionary<string, string> { ["small"] = "1", ["large"] = "9" });
        package.Hardware.Single(h => h.Kind == "floppy drive").Becomes.ShouldBeNull();
    }

    [Fact]
    public async Task What_would_be_refused_is_known_before_anything_is_uploaded()
    {
        await using var node = await DeployNode.StartAsync();
        var package = (await node.Import.InspectAsync(DeployNode.Admin, new MemoryStream(RichPackage.Builder().Build()), default)).Value;
        var good = node.Spec("edge", ("admin.password", "long-enough")) with { Networks = new Dictionary<string, string> { ["Management"] = "user", ["Inside"] = "user" } };
        (await node.Import.CheckAsync(DeployNode.Admin, good, package, default)).Ok.ShouldBeTrue();
        var bad = good with
        {
            Networks = new Dictionary<string, string> { ["Management"] = "user" }, DeploymentOption = "large",
            Properties = new Dictionary<string, string> { ["admin.password"] = "short", ["vlan"] = "4095", ["address"] = "10.1" },
        };

        var fields = (await node.Import.CheckAsync(DeployNode.Admin, bad, package, default)).Problem!.Errors.Select(e => e.Field);

        fields.ShouldBe(["properties.admin.password", "properties.address", "properties.vlan"]);
        (await node.Import.CheckAsync(DeployNode.Admin, bad with { Properties = good.Properties }, package, default)).Problem!.Errors.Single().Field.ShouldBe("networks.Inside");
        await node.Fake.DefineAsync("<domain type='test'><name>edge</name></domain>", default);
        (await node.Import.CheckAsync(DeployNode.Admin, good, package, default)).Problem!.Errors.Single().Field.ShouldBe("name");
    }
}
