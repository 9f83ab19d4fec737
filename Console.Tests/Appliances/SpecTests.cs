using System.Xml.Linq;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class SpecTests
{
    private static readonly Guid Host = Guid.NewGuid();
    private static readonly PermissionCatalogue Known = new([new RoomPermissions("Appliances", [AppliancePermissions.Read])]);

    private static ApplianceSpec Spec(params (string Key, string Value)[] properties) =>
        new() { Name = "probe", HostId = Host, AcceptEula = true, Properties = properties.ToDictionary(p => p.Key, p => p.Value) };

    private static OvfDescriptor Descriptor(string? option = null) => OvfParser.Parse("probe.ovf", new OvaBuilder().Files()[0].Content, option);

    [Theory]
    [InlineData("")]
    [InlineData(" x")]
    [InlineData("a/b")]
    [InlineData("a\nb")]
    [InlineData("a\u0007b")]
    public void Names_that_no_VM_can_have_are_refused_before_the_upload(string name) =>
        SpecCheck.Alone(Spec() with { Name = name }, Known)!.Errors.Single().Field.ShouldBe("name");

    [Theory]
    [InlineData("bridge:br0; rm -rf /")]
    [InlineData("../default")]
    [InlineData("")]
    public void Networks_that_are_no_names_are_refused_before_the_upload(string network) =>
        SpecCheck.Alone(Spec() with { Networks = new Dictionary<string, string> { ["Management"] = network } }, Known)!.Errors.Single().Field.ShouldBe("networks.Management");

    [Theory]
    [InlineData("ghost", "x", "no such property")]
    [InlineData("build", "43", "fixed by the package")]
    [InlineData("hostname", "", "too short")]
    [InlineData("hostname", "a-name-that-is-much-too-long", "too long")]
    [InlineData("mode", "other", "not one of those allowed")]
    [InlineData("size", "256", "not a whole number in range")]
    [InlineData("size", "-1", "not a whole number in range")]
    [InlineData("size", "many", "not a whole number in range")]
    public void A_value_that_does_not_fit_is_refused_by_its_field(string key, string value, string says)
    {
        var errors = Should.Throw<ProblemException>(() => SpecCheck.Against(Spec((key, value)), Descriptor())).Problem.Errors;

        errors.Single().Field.ShouldBe($"properties.{key}");
        errors.Single().Message.ShouldContain(says);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var spec = Spec(("ghost", "1"), ("mode", "x")) with { AcceptEula = false, Networks = new Dictionary<string, string> { ["Nowhere"] = "user" } };

        Should.Throw<ProblemException>(() => SpecCheck.Against(spec, Descriptor())).Problem.Errors.Select(e => e.Field)
            .ShouldBe(["properties.ghost", "networks.Nowhere", "acceptEula", "properties.mode"]);
    }

    [Fact]
    public void Values_come_from_the_request_the_option_and_the_package_in_this_order()
    {
        var values = SpecCheck.Against(Spec(("hostname", "mine"), ("admin.password", "secret")), Descriptor("large"));

        values["hostname"].ShouldBe(new PropertyValue("mine", false));
        values["size"].ShouldBe(new PropertyValue("9", false));
        values["build"].ShouldBe(new PropertyValue("42", false));
        values["admin.password"].ShouldBe(new PropertyValue("secret", true));
    }

    [Fact]
    public void A_domain_has_the_devices_that_the_package_asks_for()
    {
        var xml = Domain(Descriptor("large"), Acceleration.Emulation);

        ((string?)xml.Attribute("type")).ShouldBe("qemu");
        ((string?)xml.Element("vcpu")).ShouldBe("4");
        ((string?)xml.Element("os")!.Element("type")!.Attribute("machine")).ShouldBe("pc");
        var disks = xml.Descendants("disk").ToArray();
        disks.Select(d => ((string?)d.Element("target")!.Attribute("dev"), (string?)d.Element("target")!.Attribute("bus"), (string?)d.Attribute("device"))).ShouldBe(
            [("sda", "scsi", "disk"), ("sdb", "scsi", "disk"), ("hdc", "ide", "cdrom")]);
        disks.ShouldAllBe(d => d.Element("driver")!.Attribute("type") != null);
        ((string?)xml.Descendants("controller").Single().Attribute("model")).ShouldBe("vmpvscsi");
        var card = xml.Descendants("interface").Single();
        ((string?)card.Attribute("type")).ShouldBe("user");
        ((string?)card.Element("model")!.Attribute("type")).ShouldBe("vmxnet3");
        Domain(Descriptor("large"), Acceleration.Emulation).Descendants("mac").Single().ToString().ShouldBe(card.Element("mac")!.ToString(), "a repeated definition is the same VM");
    }

    [Fact]
    public void Names_cannot_break_out_of_the_domain()
    {
        var xml = Domain(Descriptor(), Acceleration.Kvm, name: "x</name><devices/>&");

        ((string?)xml.Element("name")).ShouldBe("x</name><devices/>&");
        ((string?)xml.Attribute("type")).ShouldBe("kvm");
    }

    private static readonly Guid Vm = Guid.NewGuid();

    private static XElement Domain(OvfDescriptor descriptor, Acceleration acceleration, string name = "probe") => XElement.Parse(
        new DomainMapping(new DeployInput(Guid.NewGuid(), Vm, Host, name, true, null), descriptor, new Dictionary<string, string> { ["Management"] = "user" }, acceleration)
            .Xml([new DiskVolume("system", "/images/a.qcow2"), new DiskVolume("data", "/images/b.qcow2")], [], new EnvironmentPlaces("/images/env.iso", null)));
}
