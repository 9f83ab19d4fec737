using System.Text;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

/// <summary>Where an environment lies, what is in it when, and what is known about an appliance afterwards.</summary>
public sealed class EnvironmentLifeTests
{
    private static OvaBuilder Package(string transport, string? manifest = null) =>
        new() { Manifest = manifest, Descriptor = text => text.Replace("ovf:transport=\"iso\"", $"ovf:transport=\"{transport}\"", StringComparison.Ordinal) };

    private static string Text(DeployNode node, string extension) =>
        node.Fake.Contents.SingleOrDefault(c => c.Key.EndsWith("-environment" + extension, StringComparison.Ordinal)).Value is { } bytes ? Encoding.UTF8.GetString(bytes) : "";

    private static Task<DeployNode> NodeAsync() => DeployNode.StartAsync(appliances: o => o.PowerOffLook = TimeSpan.FromMilliseconds(50));

    private static async Task<Appliance> OnlyAsync(DeployNode node) => (await node.Service<ApplianceRegistry>().ListAsync(DeployNode.Admin, new PageQuery(), default)).Value.Items.Single();

    [Fact]
    public async Task A_plug_in_that_asks_for_both_transports_finds_its_token_in_both_and_after_enrolment_in_none()
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.BeginAsync(Package("iso com.vmware.guestInfo", OvaBuilder.Plugin).Build(), node.Spec("probe", ("admin.password", "s3cret-of-ann")))).Value;
        await node.AtStepAsync(id, "enrol");
        foreach (var extension in new[] { ".iso", ".xml" })
        {
            Text(node, extension).ShouldContain("quarterdeck.enrolment.token");
            Text(node, extension).ShouldContain("s3cret-of-ann");
        }
        var domain = (await node.Fake.DomainAsync("probe", default))!.Xml;
        domain.ShouldContain("opt/com.vmware/guestinfo.ovfEnv");
        domain.ShouldContain("-environment.xml");
        domain.ShouldNotContain("s3cret-of-ann");
        var bytes = Encoding.UTF8.GetByteCount(Text(node, ".xml"));

        await node.EnrolAsync();
        (await node.EndAsync(id)).State.ShouldBe(OperationState.Succeeded);

        foreach (var extension in new[] { ".iso", ".xml" })
        {
            Text(node, extension).ShouldNotContain("quarterdeck.enrolment.token");
            Text(node, extension).ShouldNotContain("s3cret-of-ann");
            Text(node, extension).ShouldContain("quarterdeck.plugin.instance");
        }
        Encoding.UTF8.GetByteCount(Text(node, ".xml")).ShouldBe(bytes, "it is rewritten in place");
        (await OnlyAsync(node)).ShouldSatisfyAllConditions(a => a.Plugin.ShouldBeTrue(), a => a.Environment.ShouldBe(EnvironmentState.Sealed));
    }

    [Theory]
    [InlineData("com.vmware.guestInfo", false, true)]
    [InlineData("iso", true, false)]
    [InlineData("", true, false)]
    [InlineData("xfer:moon", true, false)]
    public async Task The_environment_lies_where_the_package_looks_for_it(string transport, bool iso, bool firmware)
    {
        await using var node = await DeployNode.StartAsync();
        (await node.EndAsync((await node.BeginAsync(Package(transport).Build())).Value)).State.ShouldBe(OperationState.Succeeded);

        (Text(node, ".iso").Length > 0, Text(node, ".xml").Length > 0).ShouldBe((iso, firmware));
        (await node.Fake.DomainAsync("probe", default))!.Xml.Contains("cdrom", StringComparison.Ordinal).ShouldBe(iso);
    }

    [Fact]
    public async Task Passwords_of_an_appliance_stay_over_a_reboot_and_leave_at_its_first_power_off()
    {
        await using var node = await NodeAsync();
        await node.EndAsync((await node.BeginAsync(Package("iso com.vmware.guestInfo").Build(), node.Spec("probe", ("admin.password", "s3cret-of-ann"), ("hostname", "edge")))).Value);
        var appliance = await OnlyAsync(node);
        appliance.Environment.ShouldBe(EnvironmentState.Open);
        await node.Fake.RebootAsync(appliance.VmId, default);
        await Task.Delay(300);
        Text(node, ".iso").ShouldContain("s3cret-of-ann");

        await node.Fake.DestroyAsync(appliance.VmId, default);

        await HostsNode.UntilAsync(() => OnlyAsync(node), a => a.Environment is EnvironmentState.Sealed, 30);
        foreach (var extension in new[] { ".iso", ".xml" })
        {
            Text(node, extension).ShouldNotContain("s3cret-of-ann");
            Text(node, extension).ShouldContain("oe:key=\"hostname\" oe:value=\"edge\"");
        }
    }

    [Fact]
    public async Task Passwords_of_an_appliance_that_was_not_started_wait_for_its_first_run()
    {
        await using var node = await NodeAsync();
        await node.EndAsync((await node.BeginAsync(new OvaBuilder().Build(), node.Spec("probe", ("admin.password", "s3cret-of-ann")) with { Start = false })).Value);
        var appliance = await OnlyAsync(node);
        await Task.Delay(300);
        Text(node, ".iso").ShouldContain("s3cret-of-ann");

        await node.Fake.StartAsync(appliance.VmId, default);
        await HostsNode.UntilAsync(() => node.Service<ApplianceStore>().HasStartedAsync(appliance.Id, default), started => started, 30);
        await node.Fake.DestroyAsync(appliance.VmId, default);

        await HostsNode.UntilAsync(() => OnlyAsync(node), a => a.Environment is EnvironmentState.Sealed, 30);
        Text(node, ".iso").ShouldNotContain("s3cret-of-ann");
    }

    [Fact]
    public async Task Passwords_leave_on_request_while_the_guest_runs_and_a_second_request_is_told_so()
    {
        await using var node = await DeployNode.StartAsync();
        await node.EndAsync((await node.BeginAsync(new OvaBuilder().Build(), node.Spec("probe", ("admin.password", "s3cret-of-ann")))).Value);
        var (registry, appliance) = (node.Service<ApplianceRegistry>(), await OnlyAsync(node));

        (await node.EndAsync((await registry.SealAsync(DeployNode.Admin, appliance.Id, default)).Value)).State.ShouldBe(OperationState.Succeeded);

        Text(node, ".iso").ShouldNotContain("s3cret-of-ann");
        (await registry.SealAsync(DeployNode.Admin, appliance.Id, default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await registry.SealAsync(DeployNode.Admin with { Role = Role.Operator }, appliance.Id, default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }

    [Fact]
    public async Task An_appliance_is_listed_with_its_package_and_removed_with_all_that_was_made()
    {
        await using var node = await DeployNode.StartAsync();
        await node.EndAsync((await node.BeginAsync(new OvaBuilder().Build(), node.Spec("probe", ("hostname", "edge")) with { DeploymentOption = "large" })).Value);
        var (registry, appliance) = (node.Service<ApplianceRegistry>(), await OnlyAsync(node));
        (appliance.Name, appliance.Product.Name, appliance.Signature, appliance.DeploymentOption, appliance.Environment, appliance.Plugin).ShouldBe(("probe", "Probe", SignatureState.None, "large", EnvironmentState.Plain, false));
        appliance.Properties["hostname"].ShouldBe("edge");
        appliance.Properties.Keys.ShouldNotContain("admin.password");
        appliance.Networks["Management"].ShouldBe("user");
        appliance.PackageBytes.ShouldBeGreaterThan(100_000);
        (await registry.ListAsync(DeployNode.Admin, new PageQuery(Search: "nothing-like-this"), default)).Value.Total.ShouldBe(0);

        (await node.EndAsync((await registry.RemoveAsync(DeployNode.Admin, appliance.Id, default)).Value)).State.ShouldBe(OperationState.Succeeded);

        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_plug_in_is_uninstalled_and_not_removed_as_an_appliance()
    {
        await using var node = await DeployNode.StartAsync();
        await node.InstalledAsync();

        (await node.Service<ApplianceRegistry>().RemoveAsync(DeployNode.Admin, (await OnlyAsync(node)).Id, default)).Problem!.Title.ShouldBe("It is a plug-in");
    }

    [Fact]
    public async Task A_package_that_needs_UEFI_is_refused_in_words_where_the_host_has_none()
    {
        await using var node = await DeployNode.StartAsync();
        node.Fake.Uefi = false;
        var package = new OvaBuilder { Descriptor = text => text.Replace("</VirtualHardwareSection>", "<vmw:Config ovf:required=\"false\" vmw:key=\"firmware\" vmw:value=\"efi\"/></VirtualHardwareSection>", StringComparison.Ordinal) };

        (await node.BeginAsync(package.Build())).Problem!.ShouldSatisfyAllConditions(p => p.Title.ShouldBe("The host has no UEFI firmware"), p => p.Detail.ShouldContain("ovmf"));
        (await node.LeftAsync()).ShouldBeEmpty();

        node.Fake.Uefi = true;
        (await node.EndAsync((await node.BeginAsync(package.Build())).Value)).State.ShouldBe(OperationState.Succeeded);
    }

    [Fact]
    public async Task A_disk_that_the_chosen_option_goes_without_is_not_made()
    {
        await using var node = await DeployNode.StartAsync();
        var spec = node.Spec("probe", ("admin.password", "s3cret-of-ann")) with { Networks = new Dictionary<string, string> { ["Management"] = "user", ["Inside"] = "user" }, Plugin = false };

        await node.EndAsync((await node.BeginAsync(RichPackage.Builder().Build(), spec)).Value);
        node.Fake.Volumes.Count(v => v.EndsWith(".qcow2", StringComparison.Ordinal)).ShouldBe(1);

        await node.EndAsync((await node.BeginAsync(RichPackage.Builder().Build(), spec with { Name = "large", DeploymentOption = "large" })).Value);
        node.Fake.Volumes.Count(v => v.EndsWith(".qcow2", StringComparison.Ordinal)).ShouldBe(3);
    }
}
