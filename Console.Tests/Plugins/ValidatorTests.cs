using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Validation;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class ValidatorTests
{
    private static readonly PermissionCatalogue Catalogue = new ServiceCollection().AddPermissions(typeof(HostsPermissions)).AddSingleton<PermissionCatalogue>().BuildServiceProvider().GetRequiredService<PermissionCatalogue>();

    /// <summary>Nothing wrong but that it is not signed.</summary>
    private static readonly string Good = OvaBuilder.Plugin.Replace("\"ui\"", "\"console\":\">=0.1.0 <1.0.0\",\"ui\"");

    private static Task<PackageReport> ReportAsync(OvaBuilder package) => ReportAsync(package.Build());

    private static Task<PackageReport> ReportAsync(byte[] package) => PackageValidator.ReportAsync(new MemoryStream(package), long.MaxValue, Catalogue, default);

    [Fact]
    public async Task A_good_package_is_valid_and_only_its_missing_signature_is_mentioned()
    {
        var report = await ReportAsync(new OvaBuilder { Manifest = Good });

        report.Valid.ShouldBeTrue();
        (report.Key, report.Name, report.Version, report.SignedBy).ShouldBe(("org.example.probe", "Probe", "1.0.0", null));
        report.Findings.Where(f => f.File != "the descriptor (.ovf)").ShouldHaveSingleItem().ShouldSatisfyAllConditions(f => f.Level.ShouldBe(FindingLevel.Warning), f => f.Message.ShouldBe("It is not signed."));
    }

    [Theory]
    [InlineData("\"org.example.probe\"", "\"Probe\"", "key")]
    [InlineData("{\"port\":80}", "{\"port\":80,\"path\":\"ui\"}", "ui.path")]
    [InlineData("{\"port\":80}", "{\"port\":80},\"contributes\":{\"menu\":[{\"title\":\"a\",\"path\":\"https://x/\"}]}", "contributes.menu[0].path")]
    [InlineData("{\"port\":80}", "null,\"webhooks\":{\"path\":\"/a\",\"events\":[\"vm.started\"]}", "webhooks.port")]
    [InlineData("{\"port\":80}", "{\"port\":80},\"data\":[\"disk9\"]", "data")]
    public async Task A_wrong_member_is_a_problem_that_names_file_member_and_remedy(string part, string wrong, string member)
    {
        var report = await ReportAsync(new OvaBuilder { Manifest = Good.Replace(part, wrong) });

        report.Valid.ShouldBeFalse();
        report.Findings.Where(f => f.Level is FindingLevel.Problem).ShouldHaveSingleItem()
            .ShouldSatisfyAllConditions(f => f.File.ShouldBe("quarterdeck-plugin.json"), f => f.Member.ShouldBe(member), f => f.Remedy.ShouldNotBeEmpty());
    }

    [Theory]
    [InlineData("\"vms.read\"", "\"vms.fly\"", "capabilities", "vms.fly")]
    [InlineData("\"vms.read\"", "\"hosts.manage\"", "capabilities", "never get it")]
    [InlineData(">=0.1.0 <1.0.0", ">=9.0.0", "console", "not in its range")]
    [InlineData("\"console\"", "\"consoles\"", "consoles", "ignore it")]
    [InlineData("\"console\"", "\"consoles\"", "console", "does not say which consoles")]
    [InlineData("{\"port\":80}", "{\"port\":80,\"pth\":\"/\"}", "ui.pth", "ignore it")]
    [InlineData("\"1.0.0\"", "\"1.0.1\"", "ProductSection", "1.0.1")]
    [InlineData("{\"port\":80}", "{\"port\":80},\"webhooks\":{\"path\":\"/a\",\"events\":[\"vm.flew\"]}", "webhooks.events", "no event 'vm.flew'")]
    [InlineData("{\"port\":80}", "{\"port\":80},\"webhooks\":{\"path\":\"/a\",\"events\":[\"host.state\"]}", "webhooks.events", "Add hosts.read")]
    public async Task What_is_likely_a_mistake_is_a_warning(string part, string other, string member, string words)
    {
        var report = await ReportAsync(new OvaBuilder { Manifest = Good.Replace(part, other) });

        report.Valid.ShouldBeTrue(string.Join("; ", report.Findings));
        report.Findings.ShouldContain(f => f.Level == FindingLevel.Warning && f.Member == member && (f.Message + f.Remedy).Contains(words));
    }

    [Fact]
    public async Task A_package_that_keeps_nothing_over_an_upgrade_is_warned_about()
    {
        static string OneDisk(string ovf) => ovf.Replace("""<Disk ovf:diskId="data" ovf:capacity="256" ovf:capacityAllocationUnits="byte * 2^20"/>""", "").Replace("<rasd:HostResource>ovf:/disk/data</rasd:HostResource>", "<rasd:HostResource>ovf:/disk/system</rasd:HostResource>");
        static string DropItem(string ovf) => System.Text.RegularExpressions.Regex.Replace(OneDisk(ovf), "<Item><rasd:AddressOnParent>1</rasd:AddressOnParent>.*?</Item>", "");

        (await ReportAsync(new OvaBuilder { Manifest = Good, Descriptor = DropItem })).Findings.ShouldContain(f => f.Member == "DiskSection" && f.Message.StartsWith("No disk outlives an upgrade"));
        (await ReportAsync(new OvaBuilder { Manifest = Good.Replace("{\"port\":80}", "{\"port\":80},\"data\":[\"system\"]"), Descriptor = DropItem })).Findings.ShouldNotContain(f => f.Member == "DiskSection");
    }

    [Fact]
    public async Task Missing_digests_a_missing_manifest_and_a_damaged_file_are_problems()
    {
        (await ReportAsync(new OvaBuilder { Manifest = Good, Digests = null })).Findings[0].ShouldSatisfyAllConditions(f => f.Level.ShouldBe(FindingLevel.Problem), f => f.Message.ShouldContain("no manifest of digests"));
        (await ReportAsync(new OvaBuilder())).Findings[0].ShouldSatisfyAllConditions(f => f.File.ShouldBe("quarterdeck-plugin.json"), f => f.Message.ShouldContain("no plug-in"));
        (await ReportAsync(new OvaBuilder { Manifest = Good, Digest = m => m.Replace("vmdk)", "else)") })).Findings[0].ShouldSatisfyAllConditions(f => f.Level.ShouldBe(FindingLevel.Problem), f => f.File.ShouldStartWith("probe-disk1."));
        (await ReportAsync(Encoding.UTF8.GetBytes("no package"))).Valid.ShouldBeFalse();
        (await ReportAsync([])).Findings[0].Level.ShouldBe(FindingLevel.Problem);
    }

    [Fact]
    public async Task A_package_that_is_refused_in_its_middle_still_has_its_manifest_checked()
    {
        var whole = new OvaBuilder { Manifest = Good.Replace("org.example.probe", "Not a key") }.Build();
        var report = await ReportAsync(whole[..(whole.Length / 2)]);

        report.Findings.Where(f => f.Level is FindingLevel.Problem).Select(f => f.File).ShouldBe(["probe-disk1.vmdk", "quarterdeck-plugin.json"]);
    }

    [Fact]
    public async Task The_command_prints_every_finding_and_ends_with_the_verdict()
    {
        var folder = Directory.CreateTempSubdirectory("qd-validate-");
        try
        {
            var (good, bad) = (Path.Combine(folder.FullName, "good.ova"), Path.Combine(folder.FullName, "bad.ova"));
            await File.WriteAllBytesAsync(good, new OvaBuilder { Manifest = Good }.Build());
            await File.WriteAllBytesAsync(bad, new OvaBuilder { Manifest = Good.Replace("\"Example\"", "7") }.Build());

            (await RunAsync("plugin", "validate", good)).ShouldSatisfyAllConditions(r => r.Code.ShouldBe(0), r => r.Output.ShouldContain("It can be installed as a plug-in: 0 problems"));
            (await RunAsync("plugin", "validate", bad)).ShouldSatisfyAllConditions(r => r.Code.ShouldBe(1), r => r.Output.ShouldContain("problem  quarterdeck-plugin.json, vendor: It is no text of the right form."), r => r.Output.ShouldContain("cannot be installed"));
            (await RunAsync("plugin", "validate", Path.Combine(folder.FullName, "absent.ova"))).ShouldSatisfyAllConditions(r => r.Code.ShouldBe(1), r => r.Error.ShouldContain("cannot be read"));
            (await RunAsync("plugin", "vaildate", good)).ShouldSatisfyAllConditions(r => r.Code.ShouldBe(2), r => r.Error.ShouldContain("Usage"));
        }
        finally { folder.Delete(recursive: true); }

        static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            return (await PluginCommand.RunAsync(arguments, Catalogue, output, error, default), output.ToString(), error.ToString());
        }
    }

    [Fact]
    public void The_events_that_are_known_are_those_of_the_documentation()
    {
        var lines = File.ReadAllLines(Path.Combine(House.Repository.Root, "docs", "plugin-protocol.md"));
        var table = lines.SkipWhile(l => !l.StartsWith("| event |", StringComparison.Ordinal)).Skip(2).TakeWhile(l => l.StartsWith('|')).Select(l => l.Split('|'));
        var documented = table.SelectMany(cells => cells[1].Split(',').Select(name => (Name: name.Trim(' ', '`'), Needs: cells[2].Trim(' ', '`'))));

        KnownEvents.Needs.Select(e => (e.Key, e.Value)).ShouldBe(documented, ignoreOrder: true);
    }

    [Fact]
    public void The_members_that_are_known_are_those_of_the_schema()
    {
        using var schema = System.Text.Json.JsonDocument.Parse(typeof(PackageValidator).Assembly.GetManifestResourceStream("schemas/quarterdeck-plugin.schema.json")!);
        var members = schema.RootElement.GetProperty("properties");
        string[] Names(System.Text.Json.JsonElement of) => [.. of.GetProperty("properties").EnumerateObject().Select(p => p.Name)];

        KnownMembers.All[""].ShouldBe(Names(schema.RootElement), ignoreOrder: true);
        foreach (var one in new[] { "ui", "health" }) KnownMembers.All[one].ShouldBe(Names(schema.RootElement.GetProperty("$defs").GetProperty("endpoint")), ignoreOrder: true);
        KnownMembers.All["webhooks"].ShouldBe(Names(members.GetProperty("webhooks")), ignoreOrder: true);
        KnownMembers.All["contributes"].ShouldBe(Names(members.GetProperty("contributes")), ignoreOrder: true);
        foreach (var list in KnownMembers.All["contributes"])
            KnownMembers.All[$"contributes.{list}"].ShouldBe(Names(members.GetProperty("contributes").GetProperty("properties").GetProperty(list).GetProperty("items")), ignoreOrder: true);
    }
}
