using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Restores.Definition;

namespace Quarterdeck.Tests.Restores;

public sealed class DomainCopyTests
{
    private const string Old = """
        <domain type='kvm' id='7'>
          <name>web</name>
          <uuid>11111111-2222-3333-4444-555555555555</uuid>
          <genid>66666666-2222-3333-4444-555555555555</genid>
          <sysinfo type='smbios'><system><entry name='uuid'>11111111-2222-3333-4444-555555555555</entry><entry name='serial'>A1</entry></system></sysinfo>
          <os><type>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader><nvram>/var/lib/libvirt/qemu/nvram/web_VARS.fd</nvram></os>
          <cpu mode='host-model'/>
          <devices>
            <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/images/web.qcow2'/><backingStore type='file'><source file='/images/base.qcow2'/></backingStore><target dev='vda' bus='virtio'/></disk>
            <disk type='file' device='disk'><source file='/images/shared.img'/><target dev='vdb' bus='virtio'/><shareable/></disk>
            <disk type='file' device='cdrom'><source file='/images/gone.iso'/><target dev='sda' bus='sata'/></disk>
            <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>
            <channel type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/channel/web/agent'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
            <graphics type='vnc' port='5901' autoport='no'/>
          </devices>
        </domain>
        """;

    private static readonly Guid Fresh = Guid.Parse("aaaaaaaa-0000-7000-8000-000000000001");

    [Fact]
    public void A_new_VM_shares_nothing_with_the_one_it_was_made_from()
    {
        var xml = DomainCopy.Other(Old, "web <2> & co", Fresh, new Dictionary<string, string> { ["vda"] = "/images/new.qcow2" }, Acceleration.Kvm, path => path != "/images/gone.iso");
        var domain = XElement.Parse(xml);
        ((string?)domain.Element("name")).ShouldBe("web <2> & co");
        xml.ShouldNotContain("11111111-2222");
        xml.ShouldNotContain("66666666-2222");
        xml.ShouldNotContain("52:54:00:00:00:01");
        xml.ShouldNotContain("web_VARS.fd");
        xml.ShouldNotContain("channel/web");
        xml.ShouldNotContain("5901");
        xml.ShouldNotContain("/images/web.qcow2");
        xml.ShouldNotContain("/images/base.qcow2", Case.Sensitive, "the restored image stands alone");
        xml.ShouldNotContain("/images/shared.img", Case.Sensitive, "two VMs would write to one disk");
        xml.ShouldNotContain("/images/gone.iso", Case.Sensitive, "the VM could not start");
        xml.ShouldContain("/images/new.qcow2");
        xml.ShouldContain("A1");
        domain.Attribute("id").ShouldBeNull();
        domain.Element("genid").ShouldNotBeNull();
    }

    [Fact]
    public void A_VM_that_comes_back_keeps_what_it_is_known_by()
    {
        var domain = XElement.Parse(DomainCopy.Same(Old, "web", new Dictionary<string, string> { ["vda"] = "/images/web.qcow2" }, Acceleration.Kvm));
        ((string?)domain.Element("uuid")).ShouldBe("11111111-2222-3333-4444-555555555555");
        domain.ToString().ShouldContain("52:54:00:00:00:01");
        domain.ToString().ShouldContain("web_VARS.fd");
        domain.ToString().ShouldContain("/images/shared.img");
        domain.Descendants("backingStore").ShouldBeEmpty();
    }

    [Fact]
    public void A_VM_of_a_KVM_host_can_run_on_one_without()
    {
        var domain = XElement.Parse(DomainCopy.Same(Old, "web", new Dictionary<string, string>(), Acceleration.Emulation));
        ((string?)domain.Attribute("type")).ShouldBe("qemu");
        ((string?)domain.Element("cpu")?.Attribute("mode")).ShouldBe("maximum");
    }
}
