using System.Xml.Linq;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;
using static Quarterdeck.Tests.Support.HardwareGuest;

namespace Quarterdeck.Tests.Appliances;

/// <summary>What becomes of each hardware item, and where disks and drives find their place.</summary>
public sealed class HardwareMappingTests
{
    private static (OvfHardware Hardware, List<string> Warnings) Read(string items, string attributes = "")
    {
        var warnings = new List<string>();
        var section = XElement.Parse($"<S xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/1' xmlns:rasd='r' xmlns:vmw='v' {attributes}>{items}</S>");
        return (new OvfHardwareReader("p.ovf", null, new HashSet<string> { "a", "b", "c", "d", "e" }, new HashSet<string> { "cd" }, new HashSet<string> { "Net" }, warnings).Read(section), warnings);
    }

    private static XElement Domain(string items, EnvironmentPlaces? places = null)
    {
        var hardware = Read(items).Hardware;
        var descriptor = new OvfDescriptor { SystemId = "s", Product = new("P", "", "", ""), Hardware = hardware };
        return XElement.Parse(new DomainMapping(new DeployInput(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "p", true, null), descriptor, new Dictionary<string, string> { ["Net"] = "user" }, Acceleration.Emulation)
            .Xml([.. hardware.Drives.Select(d => new DiskVolume(d.DiskId!, $"/{d.DiskId}"))], [new IsoVolume("cd", "/cd")], places ?? new EnvironmentPlaces("/env", null)));
    }

    private static IEnumerable<string> Places(XElement domain) => domain.Descendants("disk").Select(d =>
        $"{(string?)d.Element("source")?.Attribute("file") ?? "empty"} {(string?)d.Element("target")!.Attribute("dev")} {d.Element("address")?.Attribute("controller")?.Value}:{d.Element("address")?.Attribute("bus")?.Value}:{d.Element("address")?.Attribute("target")?.Value}:{d.Element("address")?.Attribute("unit")?.Value}");

    [Fact]
    public void IDE_disks_keep_their_channel_and_the_environment_goes_into_the_first_empty_CD_drive() =>
        Places(Domain(Item(1, 5, more: "<rasd:Address>0</rasd:Address>") + Item(2, 5, more: "<rasd:Address>1</rasd:Address>") + Disk(3, "a", 1, 0) + Disk(4, "b", 2, 1)
            + Item(5, 15, more: "<rasd:Parent>1</rasd:Parent><rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:HostResource>ovf:/file/cd</rasd:HostResource>") + Item(6, 15, more: "<rasd:Parent>2</rasd:Parent><rasd:AddressOnParent>0</rasd:AddressOnParent>")))
            .ShouldBe(["/a hda 0:0:0:0", "/b hdd 0:1:0:1", "/cd hdb 0:0:0:1", "/env hdc 0:1:0:0"]);

    [Fact]
    public void What_does_not_fit_on_IDE_goes_on_SATA() =>
        Places(Domain(Item(1, 5) + Item(2, 5) + Disk(3, "a", 1, 0) + Disk(4, "b", 1, 1) + Disk(5, "c", 2, 0) + Disk(6, "d", 2, 1)))
            .ShouldBe(["/a hda 0:0:0:0", "/b hdb 0:0:0:1", "/c hdc 0:1:0:0", "/d hdd 0:1:0:1", "/env sda 0:0:0:0"]);

    [Fact]
    public void SCSI_disks_are_targets_and_the_adapter_s_own_number_is_left_free() =>
        Places(Domain(Item(1, 6, "lsilogic") + Item(2, 6, "VirtualSCSI") + Disk(3, "a", 1, 0) + Disk(4, "b", 1, 7) + Disk(5, "c", 2, 9) + Disk(6, "d", 2, 9), new EnvironmentPlaces(null, null)))
            .ShouldBe(["/a sda 0:0:0:0", "/b sdb 0:0:1:0", "/c sdc 1:0:9:0", "/d sdd 1:0:0:0"]);

    [Fact]
    public void UEFI_has_no_IDE() =>
        Places(Domain(Item(1, 5) + Disk(3, "a", 1, 0) + "<vmw:Config vmw:key='firmware' vmw:value='efi'/>")).ShouldBe(["/a sda 0:0:0:0", "/env sdb 0:0:0:1"]);

    [Theory]
    [InlineData("VirtIO", "virtio", null)]
    [InlineData("virtio-scsi", "scsi", "virtio-scsi")]
    [InlineData("VirtIO_SCSI", "scsi", "virtio-scsi")]
    [InlineData("VirtualSCSI", "scsi", "vmpvscsi")]
    [InlineData("lsilogic", "scsi", "lsilogic")]
    [InlineData("lsilogicsas", "scsi", "lsisas1068")]
    [InlineData("BusLogic lsilogicsas", "scsi", "lsisas1068")]
    [InlineData("BusLogic", "scsi", "lsilogic")]
    [InlineData("", "scsi", "lsilogic")]
    public void A_SCSI_controller_is_the_one_that_was_asked_for_or_one_that_old_guests_know(string asked, string bus, string? model) =>
        Read(Item(1, 6, asked) + Disk(2, "a", 1, 0)).Hardware.Controllers.ShouldBe([new OvfController(bus, 0, model)]);

    [Theory]
    [InlineData("virtio", "virtio")]
    [InlineData("VmxNet3 E1000", "vmxnet3")]
    [InlineData("Moon E1000e", "e1000e")]
    [InlineData("PCNet32", "pcnet")]
    [InlineData("Moon", "e1000")]
    [InlineData("", "e1000")]
    public void A_network_card_is_virtio_only_where_the_package_asks(string asked, string model)
    {
        var (hardware, warnings) = Read(Item(1, 10, asked, "<rasd:Connection>Net</rasd:Connection>"));
        hardware.Cards.Single().Model.ShouldBe(model);
        warnings.Count.ShouldBe(asked == "Moon" ? 1 : 0);
    }

    [Fact]
    public void Every_item_is_mapped_or_reported()
    {
        int[] kinds = [1, 3, 4, 5, 6, 14, 15, 20, 21, 22, 23, 24, 35, 99];
        var items = string.Concat(kinds.Select((type, i) => Item(i + 1, type, more: type is 3 or 4 ? "<rasd:VirtualQuantity>2</rasd:VirtualQuantity>" : "")))
            + Item(50, 10, "", "<rasd:Connection>Net</rasd:Connection>") + Disk(51, "a", 4, 0);

        var (hardware, warnings) = Read(items);

        hardware.Report.Count.ShouldBe(kinds.Length + 2);
        hardware.Report.Where(r => r.Becomes is null).Select(r => r.Name).ShouldBe(["item 1", "item 6", "item 14"], ignoreOrder: true);
        warnings.Count.ShouldBe(3);
        (hardware.SerialPorts, hardware.ParallelPorts, hardware.Usb, hardware.Video, string.Join(',', hardware.Sounds)).ShouldBe((1, 1, "piix3-uhci", "vga", "ich6"));
    }

    [Fact]
    public void Sockets_cores_ports_and_video_memory_reach_the_domain()
    {
        var domain = Domain(Item(1, 3, more: "<rasd:VirtualQuantity>4</rasd:VirtualQuantity><vmw:CoresPerSocket>2</vmw:CoresPerSocket>") + Item(2, 21) + Item(3, 21) + Item(4, 22) + Item(5, 35, "vmware.soundcard.ensoniq1371")
            + Item(6, 23, "vmware.usb.ehci") + Item(7, 24, more: "<vmw:Config vmw:key='videoRamSizeInKB' vmw:value='10000'/>"));

        domain.Element("cpu")!.Element("topology")!.Attributes().Select(a => $"{a.Name}={a.Value}").ShouldBe(["sockets=2", "cores=2", "threads=1"]);
        (domain.Descendants("serial").Count(s => s.HasElements), domain.Descendants("parallel").Count()).ShouldBe((2, 1));
        ((string?)domain.Descendants("sound").Single().Attribute("model")).ShouldBe("es1370");
        ((string?)domain.Descendants("controller").Single().Attribute("model")).ShouldBe("ehci");
        ((string?)domain.Descendants("video").Single().Element("model")!.Attribute("vram")).ShouldBe("16384");
    }

    [Fact]
    public void Several_processor_items_add_up_and_lists_of_system_types_are_read()
    {
        var (hardware, _) = Read("<System><VirtualSystemType>vmx-13 virtualbox-2.2</VirtualSystemType></System>" + Item(1, 3, more: "<rasd:VirtualQuantity>2</rasd:VirtualQuantity>") + Item(2, 3, more: "<rasd:VirtualQuantity>1</rasd:VirtualQuantity>"), "ovf:transport='iso com.vmware.guestInfo moon'");
        hardware.Vcpus.ShouldBe(3);
        hardware.SystemTypes.ShouldBe(["vmx-13", "virtualbox-2.2"]);
        hardware.Transports.ShouldBe(["iso", "com.vmware.guestInfo"]);
    }
}
