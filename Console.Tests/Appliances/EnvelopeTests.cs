using System.Text;
using System.Text.RegularExpressions;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class EnvelopeTests
{
    /// <summary>As VirtualCenter 2.5 and ESX 3.5 wrote them.</summary>
    private const string Old = """
        <?xml version="1.0" encoding="UTF-8"?>
        <ovf:Envelope xmlns:ovf="http://www.vmware.com/schema/ovf/1/envelope" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ovf:version="0.9">
          <References><File ovf:id="file1" ovf:href="probe-disk1.vmdk"/></References>
          <Section xsi:type="ovf:DiskSection_Type"><Info>Disks</Info>
            <Disk ovf:diskId="system" ovf:capacity="8388608" ovf:fileRef="file1" ovf:format="http://www.vmware.com/specifications/vmdk.html#sparse"/>
          </Section>
          <Section xsi:type="ovf:NetworkSection_Type"><Info>Networks</Info><Network ovf:name="VM Network"><Description>The network</Description></Network></Section>
          <Content xsi:type="ovf:VirtualSystem_Type" ovf:id="old"><Info>A machine</Info>
            <Section xsi:type="ovf:ProductSection_Type"><Info/><Product>Elder</Product><Vendor>Example</Vendor><Version>0.1</Version>
              <Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="old"/></Section>
            <Section xsi:type="ovf:EulaSection_Type"><Info/><License>Old terms.</License></Section>
            <Section xsi:type="ovf:VirtualHardwareSection_Type"><Info/>
              <System><vssd:InstanceId>0</vssd:InstanceId><vssd:VirtualSystemType>vmx-4 vmx-6</vssd:VirtualSystemType></System>
              <Item><rasd:Caption>2 virtual CPU</rasd:Caption><rasd:InstanceId>1</rasd:InstanceId><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
              <Item><rasd:Caption>256 MB</rasd:Caption><rasd:InstanceId>2</rasd:InstanceId><rasd:ResourceType>4</rasd:ResourceType><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:VirtualQuantity>256</rasd:VirtualQuantity></Item>
              <Item><rasd:Caption>SCSI Controller 0</rasd:Caption><rasd:InstanceId>3</rasd:InstanceId><rasd:ResourceType>6</rasd:ResourceType><rasd:ResourceSubType>lsilogic VirtualSCSI</rasd:ResourceSubType></Item>
              <Item><rasd:Caption>Disk 1</rasd:Caption><rasd:InstanceId>4</rasd:InstanceId><rasd:ResourceType>17</rasd:ResourceType><rasd:HostResource>disk/system</rasd:HostResource><rasd:Parent>3</rasd:Parent><rasd:AddressOnParent>0</rasd:AddressOnParent></Item>
              <Item><rasd:Caption>Card</rasd:Caption><rasd:InstanceId>5</rasd:InstanceId><rasd:ResourceType>10</rasd:ResourceType><rasd:ResourceSubType>PCNet32</rasd:ResourceSubType><rasd:Connection>VM Network</rasd:Connection></Item>
            </Section>
          </Content>
        </ovf:Envelope>
        """;

    private static OvfDescriptor Parse(string text) => OvfParser.Parse("probe.ovf", Encoding.UTF8.GetBytes(text), null);

    private static string Usual(Func<string, string> change) => Encoding.UTF8.GetString(new OvaBuilder { Descriptor = change }.Files()[0].Content);

    private static OvfDescriptor ParseUsual(Func<string, string> change) => Parse(Usual(change));

    [Fact]
    public async Task The_old_spelling_says_the_same()
    {
        using var sink = new FolderSink();
        var d = (await FolderSink.ReadAsync(new OvaBuilder { Descriptor = _ => Old }.Build(), sink)).Descriptor;

        (d.SystemId, d.Product.Name, d.Product.Version).ShouldBe(("old", "Elder", "0.1"));
        (d.Hardware.Vcpus, d.Hardware.MemoryMiB).ShouldBe((2, 256));
        d.Hardware.SystemTypes.ShouldBe(["vmx-4", "vmx-6"]);
        d.Hardware.Controllers.Single().Model.ShouldBe("lsilogic");
        d.Hardware.Drives.Single().DiskId.ShouldBe("system");
        d.Hardware.Cards.Single().ShouldBe(new OvfCard("pcnet", "VM Network"));
        d.Eulas.ShouldBe(["Old terms."]);
        d.Properties.Single().Key.ShouldBe("hostname");
        sink.Done.Keys.ShouldBe(["system"]);
    }

    [Theory]
    [InlineData("http://schemas.dmtf.org/ovf/envelope/1")]
    [InlineData("http://schemas.dmtf.org/ovf/envelope/2")]
    [InlineData("http://schemas.dmtf.org/ovf/1/envelope")]
    public void Envelopes_of_every_version_are_understood(string name) =>
        ParseUsual(t => t.Replace("http://schemas.dmtf.org/ovf/envelope/1", name)).Product.Name.ShouldBe("Probe");

    [Fact]
    public void The_items_of_2_x_are_hardware_too()
    {
        var d = ParseUsual(t => Regex.Replace(Regex.Replace(t.Replace("ovf/envelope/1\"", "ovf/envelope/2\""),
            "<Item>(<rasd:AddressOnParent>.*?)</Item>", "<StorageItem>$1</StorageItem>"), "<Item>(<rasd:Connection>.*?)</Item>", "<EthernetPortItem>$1</EthernetPortItem>"));

        d.Hardware.Drives.Select(x => x.DiskId).ShouldBe(["system", "data"]);
        d.Hardware.Cards.Count.ShouldBe(1);
    }

    [Fact]
    public void Of_several_machines_the_one_like_ours_is_taken()
    {
        static string System(string types) => $"<System><vssd:VirtualSystemType xmlns:vssd=\"x\">{types}</vssd:VirtualSystemType></System>";
        const string Section = "<VirtualHardwareSection ovf:transport=\"iso\"><Info/>";
        string Two(string first, string second) => Usual(t =>
        {
            var (from, to) = (t.IndexOf(Section, StringComparison.Ordinal), t.IndexOf("</VirtualHardwareSection>", StringComparison.Ordinal) + "</VirtualHardwareSection>".Length);
            var section = t[from..to];
            var one = section.Replace(Section, Section + System(first));
            return t[..from] + one + one.Replace(System(first), System(second)).Replace(">128<", ">512<") + t[to..];
        });

        Parse(Two("xen-3 hvm-1", "vmx-7, vmx-8")).Hardware.MemoryMiB.ShouldBe(512);
        Parse(Two("vmx-7", "qemu kvm-1")).Hardware.MemoryMiB.ShouldBe(512);
        Parse(Two("vmx-7", "xen-3")).Hardware.MemoryMiB.ShouldBe(128);
    }

    [Theory]
    [InlineData("http://schemas.dmtf.org/ovf/envelope/3", "is not known")]
    [InlineData("urn:x", "is not known")]
    public void Unknown_envelopes_are_refused_with_what_is_known(string name, string says)
    {
        var refused = Should.Throw<ProblemException>(() => ParseUsual(t => t.Replace("http://schemas.dmtf.org/ovf/envelope/1", name)));
        refused.Problem.Detail.ShouldContain(says);
        refused.Problem.Detail.ShouldContain("0.9, 1.x and 2.x");
    }

    [Theory]
    [InlineData("<Section/>", "has no type")]
    [InlineData("<Section xsi:type=\"ovf:_Type\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"/>", "has no type")]
    [InlineData("<Section xsi:type=\"a b\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"/>", "has no type")]
    [InlineData("<ovf:EncryptionSection/>", "encrypted")]
    [InlineData("<ovf:SharedDiskSection/>", "several virtual systems share")]
    public void What_cannot_be_honoured_is_refused(string section, string says) =>
        Should.Throw<ProblemException>(() => ParseUsual(t => t.Replace("<NetworkSection>", section + "<NetworkSection>"))).Problem.Detail.ShouldContain(says);
}
