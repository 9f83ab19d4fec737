using System.Text;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Manifests;

namespace Quarterdeck.Tests.Plugins;

public sealed class ManifestTests
{
    private const string Whole = """
        {"schema":1,"key":"org.example.net-scan","name":"Net scan","vendor":"Example","version":"1.2.3-rc.1","description":"Scans.","console":">=0.1.0 <1.0.0",
         "capabilities":["vms.read","vms.power","vms.read"],"ui":{"port":8080,"scheme":"https","path":"/ui"},"health":{"port":1},"future":{"x":[1]}}
        """;

    private static Quarterdeck.Platform.Result<PluginManifest> Parse(string json) => PluginManifest.Parse(Encoding.UTF8.GetBytes(json), "manifest");

    [Fact]
    public void A_whole_manifest_is_read()
    {
        var manifest = Parse(Whole).Value;

        (manifest.Key, manifest.Name, manifest.Vendor, manifest.Version, manifest.Description, manifest.Console).ShouldBe(("org.example.net-scan", "Net scan", "Example", "1.2.3-rc.1", "Scans.", ">=0.1.0 <1.0.0"));
        manifest.Capabilities.ShouldBe(["vms.read", "vms.power"]);
        manifest.Ui.ShouldBe(new PluginUi("https", 8080, "/ui"));
    }

    [Theory]
    [InlineData("\"schema\":1", "\"schema\":2", "manifest.schema")]
    [InlineData("\"schema\":1,", "", "manifest.schema")]
    [InlineData("org.example.net-scan", "Org.Example", "manifest.key")]
    [InlineData("org.example.net-scan", "../x", "manifest.key")]
    [InlineData("org.example.net-scan", "x\\n", "manifest.key")]
    [InlineData("\"Net scan\"", "\"\"", "manifest.name")]
    [InlineData("\"Net scan\"", "7", "manifest.name")]
    [InlineData("\"Net scan\"", "\"a\\u0007b\"", "manifest.name")]
    [InlineData("1.2.3-rc.1", "1.2", "manifest.version")]
    [InlineData(">=0.1.0 <1.0.0", "around 1", "manifest.console")]
    [InlineData("[\"vms.read\",\"vms.power\",\"vms.read\"]", "[\"Vms Read\"]", "manifest.capabilities")]
    [InlineData("[\"vms.read\",\"vms.power\",\"vms.read\"]", "\"all\"", "manifest.capabilities")]
    [InlineData("8080", "0", "manifest.ui.port")]
    [InlineData("8080", "70000", "manifest.ui.port")]
    [InlineData("\"https\"", "\"file\"", "manifest.ui.scheme")]
    [InlineData("\"/ui\"", "\"//evil\\u0000\"", "manifest.ui.path")]
    public void What_is_wrong_is_said_by_its_member(string part, string wrong, string field) => Parse(Whole.Replace(part, wrong)).Problem!.Errors.Select(e => e.Field).ShouldBe([field]);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"schema\":1,\"schema\":1}")]
    [InlineData("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}")]
    public void What_is_no_manifest_at_all_is_refused(string json) => Parse(json).Problem!.Errors.Single().Field.ShouldBe("manifest");

    [Theory]
    [InlineData(">=0.1.0 <1.0.0", "0.1.0", true)]
    [InlineData(">=0.1.0 <1.0.0", "1.0.0", false)]
    [InlineData(">=0.1.0 <1.0.0", "1.0.0-rc.1", true)]
    [InlineData(">1.2.3", "1.2.3", false)]
    [InlineData("<=1.2.3", "1.2.3", true)]
    [InlineData("1.2.3", "1.2.3", true)]
    [InlineData("=1.2.3", "1.2.4", false)]
    [InlineData(">=1.0.0-alpha.9", "1.0.0-alpha.10", true)]
    public void Versions_are_compared_as_numbers(string range, string version, bool holds)
    {
        VersionRange.TryParse(range, out var parsed).ShouldBeTrue();
        SemanticVersion.TryParse(version, out var candidate).ShouldBeTrue();
        parsed.Holds(candidate).ShouldBe(holds);
    }
}
