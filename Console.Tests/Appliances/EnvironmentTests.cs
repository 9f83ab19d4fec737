using System.Diagnostics;
using System.Text;
using System.Xml.Linq;
using Quarterdeck.Appliances.Environment;

namespace Quarterdeck.Tests.Appliances;

public sealed class EnvironmentTests
{
    private static readonly XNamespace Oe = "http://schemas.dmtf.org/ovf/environment/1";

    [Theory]
    [InlineData("plain")]
    [InlineData("<&>\"'")]
    [InlineData(" two  blanks ")]
    [InlineData("line\nbreak\ttab\r\nboth")]
    [InlineData("Größe 🚢 \u4e2d")]
    [InlineData("]]> <!-- ${x} %00")]
    public void A_value_comes_back_as_it_was(string value)
    {
        var root = XElement.Parse(Encoding.UTF8.GetString(EnvironmentDocument.Write("probe", "1.0", [new("key", value)])));

        root.Element(Oe + "PropertySection")!.Elements().Single().Attribute(Oe + "value")!.Value.ShouldBe(value);
    }

    [Fact]
    public void The_document_has_the_form_that_a_shell_can_read()
    {
        var text = Encoding.UTF8.GetString(EnvironmentDocument.Write("probe", "1.0", [new("a", "1 & 2"), new("pem", "x\ny\n")]));

        text.ShouldBe("""
            <?xml version="1.0" encoding="utf-8"?>
            <Environment xmlns:oe="http://schemas.dmtf.org/ovf/environment/1" oe:id="probe" xmlns="http://schemas.dmtf.org/ovf/environment/1">
              <PlatformSection>
                <Kind>Quarterdeck</Kind>
                <Version>1.0</Version>
                <Vendor>Quarterdeck</Vendor>
                <Locale>en</Locale>
              </PlatformSection>
              <PropertySection>
                <Property oe:key="a" oe:value="1 &amp; 2" />
                <Property oe:key="pem" oe:value="x&#xA;y&#xA;" />
              </PropertySection>
            </Environment>

            """);
    }

    [Theory]
    [InlineData("ok", true)]
    [InlineData("🚢", true)]
    [InlineData("bell\u0007", false)]
    [InlineData("null\0", false)]
    public void What_XML_cannot_hold_is_known_before(string text, bool holds) => EnvironmentDocument.CanHold(text).ShouldBe(holds);

    [Fact]
    public void Half_a_character_is_no_text() => EnvironmentDocument.CanHold("half \ud83d").ShouldBeFalse();

    [Fact]
    public async Task The_disc_is_one_that_other_tools_read()
    {
        var content = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("0123456789", 1000)));
        var image = IsoImage.Write("OVF ENV", "ovf-env.xml", content, new DateTimeOffset(2026, 11, 22, 1, 2, 3, TimeSpan.Zero));
        image.Length.ShouldBe(1 << 20);
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, image);
            var head = await IsoInfoAsync("-d", "-i", path);
            head.ShouldContain("Volume id: OVF ENV");
            head.ShouldContain("Joliet with UCS level 3 found");
            (await IsoInfoAsync("-J", "-f", "-i", path)).Trim().ShouldBe("/ovf-env.xml");
            (await IsoInfoAsync("-f", "-i", path)).Trim().ShouldBe("/OVF-ENV.XML;1");
            (await IsoInfoAsync("-J", "-l", "-i", path)).ShouldContain("Nov 22 2026");
            (await IsoInfoAsync("-J", "-x", "/ovf-env.xml", "-i", path)).ShouldBe(Encoding.UTF8.GetString(content));
            (await IsoInfoAsync("-x", "/OVF-ENV.XML;1", "-i", path)).ShouldBe(Encoding.UTF8.GetString(content));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Content_that_does_not_fit_is_refused() =>
        Should.Throw<ArgumentException>(() => IsoImage.Write("OVF ENV", "ovf-env.xml", new byte[IsoImage.MaxContent + 1], DateTimeOffset.UnixEpoch));

    private static async Task<string> IsoInfoAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("isoinfo", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await errors);
        return output;
    }
}
