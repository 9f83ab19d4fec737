namespace Quarterdeck.Tests.Support;

/// <summary>A mock host of a console's own: what <c>test:///default</c> shows is shared by all consoles of the process, and tests run side by side.</summary>
internal static class MockHost
{
    /// <summary>Writes a host with one running VM, <c>test</c>, into the console's image root; answers its URI.</summary>
    public static async Task<string> WriteAsync(TestConsole console)
    {
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(console.Data, "images")).FullName, "mock.xml");
        await File.WriteAllTextAsync(file, $"""
            <node>
              <cpu><mhz>2600</mhz><model>x86_64</model><active>8</active><nodes>1</nodes><sockets>1</sockets><cores>8</cores><threads>1</threads></cpu>
              <memory>16777216</memory>
              <domain type='test'><name>test</name><uuid>{Guid.NewGuid()}</uuid><memory>2097152</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>
              <network><name>default</name><forward mode='nat'/><bridge name='virbr0'/><ip address='192.168.122.1' netmask='255.255.255.0'/></network>
              <pool type='dir'><name>default</name><target><path>/default</path></target></pool>
            </node>
            """);
        return "test://" + file;
    }
}
