using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Quarterdeck.Tests.Support;

/// <summary>Packages around a guest that reports what it sees; see <c>hardware-guest.sh</c>. Its disks are built once a test run.</summary>
internal static class HardwareGuest
{
    private static readonly Lazy<Task<(byte[] Vmdk, long Capacity)>> Bios = new(() => BuildAsync("bios")), Efi = new(() => BuildAsync("efi"));

    /// <summary>The package as bytes.</summary>
    /// <param name="efi">Whether its system disk boots by UEFI.</param>
    /// <param name="transport">How it wants its properties.</param>
    /// <param name="items">Hardware items; the disks are <c>system</c> and <c>report</c>, the network is <c>Net</c>.</param>
    public static async Task<byte[]> PackageAsync(bool efi, string transport, string items)
    {
        var (vmdk, capacity) = await (efi ? Efi : Bios).Value;
        var ovf = Encoding.UTF8.GetBytes($"""
            <?xml version="1.0" encoding="UTF-8"?>
            <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf">
              <References><File ovf:id="file1" ovf:href="guest-disk1.vmdk" ovf:size="{vmdk.Length}"/></References>
              <DiskSection><Info/><Disk ovf:diskId="system" ovf:capacity="{capacity}" ovf:fileRef="file1"/><Disk ovf:diskId="report" ovf:capacity="{1 << 20}"/></DiskSection>
              <NetworkSection><Info/><Network ovf:name="Net"/></NetworkSection>
              <VirtualSystem ovf:id="guest"><Info/><Name>Guest</Name>
                <ProductSection><Info/><Product>Hardware guest</Product><Property ovf:key="who" ovf:type="string" ovf:userConfigurable="true"/><Property ovf:key="password" ovf:type="string" ovf:userConfigurable="true" ovf:password="true"/></ProductSection>
                <VirtualHardwareSection ovf:transport="{transport}"><Info/>
                  <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>{(efi ? 320 : 192)}</rasd:VirtualQuantity></Item>
                  {items}
                  {(efi ? "<vmw:Config ovf:required=\"false\" vmw:key=\"firmware\" vmw:value=\"efi\"/>" : "")}
                </VirtualHardwareSection>
              </VirtualSystem>
            </Envelope>
            """);
        (string Name, byte[] Content)[] files = [("guest.ovf", ovf), ("guest-disk1.vmdk", vmdk)];
        var manifest = string.Concat(files.Select(f => $"SHA256({f.Name})= {Convert.ToHexStringLower(SHA256.HashData(f.Content))}\n"));
        return new TarBuilder().File(files[0].Name, files[0].Content).File("guest.mf", Encoding.ASCII.GetBytes(manifest)).File(files[1].Name, files[1].Content).Build();
    }

    /// <summary>A hardware item.</summary>
    /// <param name="id">InstanceID.</param>
    /// <param name="type">CIM resource type.</param>
    /// <param name="subType">Its model.</param>
    /// <param name="more">Further elements.</param>
    public static string Item(int id, int type, string subType = "", string more = "") =>
        $"<Item><rasd:ElementName>item {id}</rasd:ElementName><rasd:InstanceID>{id}</rasd:InstanceID>{(subType.Length > 0 ? $"<rasd:ResourceSubType>{subType}</rasd:ResourceSubType>" : "")}<rasd:ResourceType>{type}</rasd:ResourceType>{more}</Item>";

    /// <summary>A disk on a controller.</summary>
    public static string Disk(int id, string disk, int controller, int place) =>
        Item(id, 17, more: $"<rasd:HostResource>ovf:/disk/{disk}</rasd:HostResource><rasd:Parent>{controller}</rasd:Parent><rasd:AddressOnParent>{place}</rasd:AddressOnParent>");

    private static async Task<(byte[], long)> BuildAsync(string firmware)
    {
        var folder = Directory.CreateTempSubdirectory("qd-guest-").FullName;
        try
        {
            var (raw, vmdk) = (Path.Combine(folder, "disk.raw"), Path.Combine(folder, "disk.vmdk"));
            using var build = Process.Start(new ProcessStartInfo(Path.Combine(TestConsole.RepositoryRoot, "Console.Tests", "Support", "hardware-guest.sh"), [raw, firmware]) { RedirectStandardError = true })!;
            var errors = await build.StandardError.ReadToEndAsync();
            await build.WaitForExitAsync();
            build.ExitCode.ShouldBe(0, errors);
            await SystemLibvirt.RunAsync("qemu-img", "convert", "-q", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", raw, vmdk);
            return (await File.ReadAllBytesAsync(vmdk), new FileInfo(raw).Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
