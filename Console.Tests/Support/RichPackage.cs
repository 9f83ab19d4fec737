namespace Quarterdeck.Tests.Support;

/// <summary>A package that asks for everything a package can ask for: options, types, licences, networks, permissions.</summary>
internal static class RichPackage
{
    public const string Manifest = """{"schema":1,"key":"org.example.rich","name":"Edge router","vendor":"Example","version":"2.1.0","capabilities":["vms.read","vms.power","users.read","moon.land"],"ui":{"port":80}}""";

    /// <summary>The package; its disks are empty or tiny.</summary>
    public static OvaBuilder Builder(string transport = "iso") => new() { Manifest = Manifest, Descriptor = text => Descriptor(text, transport) };

    private static string Descriptor(string text, string transport)
    {
        var licence = string.Concat(Enumerable.Range(1, 80).Select(i => $"{i}. The licensee shall keep the light burning, in fair weather and in foul, until relieved.&#10;"));
        return Replace(Replace(Replace(Replace(text,
            "<License>", "</License>", licence),
            "<DeploymentOptionSection>", "</DeploymentOptionSection>", """
            <Info/><Configuration ovf:id="small" ovf:default="true"><Label>Small</Label><Description>For a branch office of up to 50 people.</Description></Configuration>
            <Configuration ovf:id="large"><Label>Large</Label><Description>For a data centre; has a second disk and a second processor.</Description></Configuration>
            """),
            "<Category>Page</Category>", "</ProductSection>", """
            <Category>Page</Category>
            <Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="edge" ovf:qualifiers="MinLen(1) MaxLen(20)"><Label>Host name</Label><Description>As other machines call it</Description></Property>
            <Property ovf:key="motd" ovf:type="string" ovf:userConfigurable="true" ovf:value="" ovf:qualifiers="MaxLen(2000)"><Label>Message of the day</Label></Property>
            <Property ovf:key="admin.password" ovf:type="string" ovf:userConfigurable="true" ovf:password="true" ovf:value="" ovf:qualifiers="MinLen(8)"><Label>Administration password</Label></Property>
            <Category>Network</Category>
            <Property ovf:key="mode" ovf:type="string" ovf:userConfigurable="true" ovf:value="dhcp" ovf:qualifiers='ValueMap{"dhcp","static"}'><Label>Addresses by</Label></Property>
            <Property ovf:key="address" ovf:type="string" ovf:userConfigurable="true" vmw:qualifiers="Ip"><Label>Address</Label></Property>
            <Property ovf:key="dns" ovf:type="string" ovf:userConfigurable="true" vmw:qualifiers="IpList"><Label>Name servers</Label></Property>
            <Property ovf:key="vlan" ovf:type="uint16" ovf:userConfigurable="true" ovf:value="1" ovf:qualifiers="MinValue(1) MaxValue(4094)"><Label>VLAN</Label></Property>
            <Category>Tuning</Category>
            <Property ovf:key="workers" ovf:type="uint8" ovf:userConfigurable="true" ovf:value="1"><Label>Workers</Label><Value ovf:configuration="large" ovf:value="9"/></Property>
            <Property ovf:key="offset" ovf:type="sint64" ovf:userConfigurable="true" ovf:value="-5"><Label>Offset</Label></Property>
            <Property ovf:key="ratio" ovf:type="real32" ovf:userConfigurable="true" ovf:value="0.5"><Label>Ratio</Label></Property>
            <Property ovf:key="verbose" ovf:type="boolean" ovf:userConfigurable="true" ovf:value="false"><Label>Verbose log</Label></Property>
            <Property ovf:key="build" ovf:type="uint32" ovf:value="42"/>
            """, keepStart: true),
            "<NetworkSection>", "</NetworkSection>", """<Info/><Network ovf:name="Management"><Description>To the console</Description></Network><Network ovf:name="Inside"><Description>To the machines it serves</Description></Network>""")
            .Replace("ovf:transport=\"iso\"", $"ovf:transport=\"{transport}\"", StringComparison.Ordinal)
            .Replace("<rasd:Connection>Management</rasd:Connection><rasd:ElementName>Card</rasd:ElementName>", "<rasd:Connection>Management</rasd:Connection><rasd:ElementName>Outer card</rasd:ElementName>", StringComparison.Ordinal)
            .Replace("<Item ovf:required=\"false\"><rasd:ElementName>Floppy", """
                <Item><rasd:Connection>Inside</rasd:Connection><rasd:ElementName>Inner card</rasd:ElementName><rasd:InstanceID>10</rasd:InstanceID><rasd:ResourceSubType>virtio</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
                <Item ovf:required="false"><rasd:ElementName>Floppy
                """.Replace("\n", "", StringComparison.Ordinal), StringComparison.Ordinal)
            .Replace("<Item><rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:ElementName>Disk 2", "<Item ovf:configuration=\"large\"><rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:ElementName>Disk 2", StringComparison.Ordinal)
            .Replace("<Product>Probe</Product>", "<Product>Edge router</Product>", StringComparison.Ordinal);
    }

    private static string Replace(string text, string start, string end, string content, bool keepStart = false)
    {
        var (from, to) = (text.IndexOf(start, StringComparison.Ordinal) + (keepStart ? 0 : start.Length), text.IndexOf(end, StringComparison.Ordinal));
        from.ShouldBeGreaterThan(-1);
        return text[..from] + content + text[to..];
    }

    /// <summary>The package as a file of a test's own.</summary>
    public static async Task<string> WriteAsync(string folder, string transport = "iso")
    {
        var path = Path.Combine(folder, "edge-router.ova");
        await File.WriteAllBytesAsync(path, Builder(transport).Build());
        return path;
    }
}
