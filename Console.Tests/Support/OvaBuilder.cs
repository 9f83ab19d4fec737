using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Quarterdeck.Tests.Support;

/// <summary>Writes OVA packages as the usual tools do; every part can be replaced by a wrong one.</summary>
internal sealed class OvaBuilder
{
    public const string Plugin = """{"schema":1,"key":"org.example.probe","name":"Probe","vendor":"Example","version":"1.0.0","capabilities":["vms.read"],"ui":{"port":80}}""";

    /// <summary>The disk's file; null for a good one of 8 MiB with some grains.</summary>
    public byte[]? Disk { get; set; }

    public long Capacity { get; set; } = 8 << 20;

    public string DiskName { get; set; } = "probe-disk1.vmdk";

    /// <summary>Content of <c>quarterdeck-plugin.json</c>; null for a package that is no plug-in.</summary>
    public string? Manifest { get; set; }

    /// <summary>Changes the descriptor's text.</summary>
    public Func<string, string> Descriptor { get; set; } = text => text;

    /// <summary>Bytes of a chunk; null for a disk file in one piece.</summary>
    public int? Chunk { get; set; }

    /// <summary>Says and makes the disk file packed with gzip.</summary>
    public bool Gzip { get; set; }

    /// <summary>Content of a CD image in a CD drive; null for no drive.</summary>
    public byte[]? Iso { get; set; }

    /// <summary>What the descriptor calls the disk file's format.</summary>
    public string Format { get; set; } = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";

    public HashAlgorithmName? Digests { get; set; } = HashAlgorithmName.SHA256;

    public bool ManifestLast { get; set; }

    /// <summary>Changes the manifest's text.</summary>
    public Func<string, string> Digest { get; set; } = text => text;

    /// <summary>Files that nothing references.</summary>
    public List<(string Name, byte[] Content)> More { get; } = [];

    /// <summary>Signs the manifest.</summary>
    public Func<byte[], string>? Sign { get; set; }

    public static byte[] GoodDisk(long capacity = 8 << 20) => new VmdkBuilder { Capacity = capacity }.Build([(0, VmdkBuilder.Noise(1)), (3, VmdkBuilder.Noise(2)), (capacity / (64 << 10) - 1, VmdkBuilder.Noise(3))]);

    /// <summary>The files in order.</summary>
    public List<(string Name, byte[] Content)> Files()
    {
        var disk = Gzip ? Packed(Disk ?? GoodDisk()) : Disk ?? GoodDisk();
        var content = new List<(string, byte[])>();
        if (Manifest is not null) content.Add(("quarterdeck-plugin.json", Encoding.UTF8.GetBytes(Manifest)));
        if (Chunk is { } chunk) content.AddRange(disk.Chunk(chunk).Select((part, index) => ($"{DiskName}.{index:D9}", part)));
        else content.Add((DiskName, disk));
        if (Iso is not null) content.Add(("drivers.iso", Iso));
        content.AddRange(More);
        var ovf = ("probe.ovf", Encoding.UTF8.GetBytes(Descriptor(Ovf(disk.Length))));
        var digests = new List<(string, byte[])>();
        if (Digests is { } algorithm)
        {
            var text = new StringBuilder();
            foreach (var (name, bytes) in content.Prepend(ovf)) text.Append($"{algorithm.Name}({name})= {Convert.ToHexStringLower(CryptographicOperations.HashData(algorithm, bytes))}\n");
            var manifest = Encoding.UTF8.GetBytes(Digest(text.ToString()));
            digests.Add(("probe.mf", manifest));
            if (Sign is not null) digests.Add(("probe.cert", Encoding.ASCII.GetBytes(Sign(manifest))));
        }
        return ManifestLast ? [ovf, .. content, .. digests] : [ovf, .. digests, .. content];
    }

    public byte[] Build()
    {
        var tar = new TarBuilder();
        foreach (var (name, content) in Files()) tar.File(name, content);
        return tar.Build();
    }

    /// <summary>The package without one of its files.</summary>
    public byte[] FilesWithout(string missing)
    {
        var tar = new TarBuilder();
        foreach (var (name, content) in Files().Where(f => f.Name != missing)) tar.File(name, content);
        return tar.Build();
    }

    /// <summary>Packs with gzip, as small as it goes.</summary>
    public static byte[] Packed(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(bytes);
        return packed.ToArray();
    }

    private string Ovf(long diskBytes)
    {
        var cut = (Gzip ? " ovf:compression=\"gzip\"" : "") + (Chunk is { } chunk ? $" ovf:chunkSize=\"{chunk}\"" : "");
        var iso = Iso is null ? "" : $"""<File ovf:id="drivers" ovf:href="drivers.iso" ovf:size="{Iso.Length}"/>""";
        var drive = Iso is null ? "" : """
            <Item><rasd:ElementName>IDE</rasd:ElementName><rasd:InstanceID>20</rasd:InstanceID><rasd:ResourceType>5</rasd:ResourceType></Item>
            <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>CD</rasd:ElementName><rasd:HostResource>ovf:/file/drivers</rasd:HostResource><rasd:InstanceID>21</rasd:InstanceID><rasd:Parent>20</rasd:Parent><rasd:ResourceType>15</rasd:ResourceType></Item>
            """;
        var plugin = Manifest is null ? "" : $"""<File ovf:id="plugin" ovf:href="quarterdeck-plugin.json" ovf:size="{Encoding.UTF8.GetByteCount(Manifest)}"/>""";
        return $$"""
            <?xml version="1.0" encoding="UTF-8"?>
            <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf">
              <References><File ovf:id="file1" ovf:href="{{DiskName}}" ovf:size="{{diskBytes}}"{{cut}}/>{{plugin}}{{iso}}</References>
              <DiskSection><Info/>
                <Disk ovf:diskId="system" ovf:capacity="{{Capacity}}" ovf:fileRef="file1" ovf:format="{{Format}}"/>
                <Disk ovf:diskId="data" ovf:capacity="256" ovf:capacityAllocationUnits="byte * 2^20"/>
              </DiskSection>
              <NetworkSection><Info/><Network ovf:name="Management"><Description>To the console</Description></Network></NetworkSection>
              <DeploymentOptionSection><Info/><Configuration ovf:id="small" ovf:default="true"><Label>Small</Label></Configuration><Configuration ovf:id="large"><Label>Large</Label></Configuration></DeploymentOptionSection>
              <VirtualSystem ovf:id="probe"><Info/><Name>Probe</Name>
                <OperatingSystemSection ovf:id="96"><Info/><Description>Debian</Description></OperatingSystemSection>
                <EulaSection><Info/><License>Do what you like.</License></EulaSection>
                <ProductSection><Info/><Product>Probe</Product><Vendor>Example</Vendor><Version>1.0.0</Version>
                  <Category>Page</Category>
                  <Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="probe" ovf:qualifiers="MinLen(1) MaxLen(20)"><Label>Host name</Label></Property>
                  <Property ovf:key="mode" ovf:type="string" ovf:userConfigurable="true" ovf:value="dhcp" ovf:qualifiers='ValueMap{"dhcp","static"}'/>
                  <Property ovf:key="admin.password" ovf:type="string" ovf:userConfigurable="true" ovf:password="true" ovf:value=""/>
                  <Property ovf:key="size" ovf:type="uint8" ovf:userConfigurable="true" ovf:value="1"><Value ovf:configuration="large" ovf:value="9"/></Property>
                  <Property ovf:key="build" ovf:type="uint32" ovf:value="42"/>
                </ProductSection>
                <VirtualHardwareSection ovf:transport="iso"><Info/>
                  <Item><rasd:ElementName>1 CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
                  <Item ovf:configuration="large"><rasd:ElementName>4 CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity></Item>
                  <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName>Memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>128</rasd:VirtualQuantity></Item>
                  <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI</rasd:ElementName><rasd:InstanceID>4</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
                  <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Disk 1</rasd:ElementName><rasd:HostResource>ovf:/disk/system</rasd:HostResource><rasd:InstanceID>5</rasd:InstanceID><rasd:Parent>4</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
                  <Item><rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:ElementName>Disk 2</rasd:ElementName><rasd:HostResource>ovf:/disk/data</rasd:HostResource><rasd:InstanceID>6</rasd:InstanceID><rasd:Parent>4</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
                  <Item><rasd:Connection>Management</rasd:Connection><rasd:ElementName>Card</rasd:ElementName><rasd:InstanceID>8</rasd:InstanceID><rasd:ResourceSubType>VmxNet3 E1000</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
                  <Item ovf:required="false"><rasd:ElementName>Floppy</rasd:ElementName><rasd:InstanceID>9</rasd:InstanceID><rasd:ResourceType>14</rasd:ResourceType></Item>
                  {{drive}}
                </VirtualHardwareSection>
              </VirtualSystem>
            </Envelope>
            """;
    }
}
