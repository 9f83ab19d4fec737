using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>The install wizard in each of its steps with a package that asks for everything: pictures, axe, and what a person can do there.</summary>
[Collection("browser")]
public sealed class InstallLookTests(BrowserRun browser)
{
    public static TheoryData<string> Looks => [.. Look.All.Select(l => l.ToString())];

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Every_step_is_accessible_tells_what_is_wrong_at_its_field_and_loses_nothing(string look)
    {
        var size = Look.All.Single(l => l.ToString() == look);
        var folder = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots", look)).FullName;
        var complaints = new List<string>();
        await using var console = await TestConsole.StartAsync();
        var package = await RichPackage.WriteAsync(console.Data);
        await console.AddHostAsync("alpha", await MockHost.WriteAsync(console));
        await browser.RunAsync("install-" + look, page => RunAsync(page, package, async name =>
        {
            await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
            await LookTests.CheckAsync(page, name, size, complaints);
        }), size, console: console, expected: text => text.Contains("422", StringComparison.Ordinal) || text.Contains("409", StringComparison.Ordinal), trace: false);
        complaints.ShouldBeEmpty();
    }

    private static async Task RunAsync(ConsolePage page, string package, Func<string, Task> look)
    {
        await page.OpenAsync("/plugins/install");
        await page.Page.GetByLabel("OVA package").SetInputFilesAsync(package);
        var form = page.Page.Locator("form.qd-form");
        await Expect(form.GetByLabel("Name of the VM")).ToHaveValueAsync("Edge router");
        await page.Page.Locator(".qd-fold > summary").ClickAsync();
        await look("install-ask");
        await page.Page.Locator(".qd-fold > summary").ClickAsync();

        // the option's own values follow the option, until they are changed by hand
        await form.GetByLabel("Large").CheckAsync();
        await Expect(form.GetByLabel("Workers")).ToHaveValueAsync("9");
        await form.GetByLabel("Workers").FillAsync("300");
        await form.GetByLabel("VLAN").FillAsync("5000");
        await form.GetByLabel("Address", new() { Exact = true }).FillAsync("10.1");
        await form.GetByLabel("Administration password", new() { Exact = true }).FillAsync("s3cret-of-ann");
        await form.GetByRole(AriaRole.Button, new() { Name = "Show Administration password" }).ClickAsync();
        await Expect(form.GetByLabel("Administration password", new() { Exact = true })).ToHaveAttributeAsync("type", "text");
        await form.GetByLabel("See virtual machines").CheckAsync();
        await Expect(form.Locator(".qd-capabilities")).ToContainTextAsync("never granted");
        await form.GetByLabel("I accept the licence above").CheckAsync();
        await form.GetByLabel("I know where this package comes from").CheckAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "Install" }).ClickAsync();

        await Expect(form.Locator(".qd-notice.bad")).ToContainTextAsync("3 answers need attention");
        await Expect(form.GetByLabel("Address", new() { Exact = true })).ToBeFocusedAsync();
        await Expect(form).ToContainTextAsync("Give a whole number from 1 to 4094.");
        await Expect(form).ToContainTextAsync("'10.1' is not an IP address.");
        await look("install-refused");

        // a page that is loaded anew asks for the file alone
        await page.OpenAsync("/plugins/install");
        await Expect(page.Page.Locator("main")).ToContainTextAsync("Your answers for edge-router.ova are kept");
        await look("install-kept");
        await page.Page.GetByLabel("OVA package").SetInputFilesAsync(package);
        await Expect(form.GetByLabel("VLAN")).ToHaveValueAsync("5000");
        await Expect(form.GetByLabel("Large")).ToBeCheckedAsync();
        await Expect(form.GetByLabel("See virtual machines")).ToBeCheckedAsync();
        await Expect(form.GetByLabel("Administration password", new() { Exact = true })).ToHaveValueAsync("s3cret-of-ann");
        (await page.Page.EvaluateAsync<string>("() => Object.values(sessionStorage).join()")).ShouldNotContain("s3cret-of-ann");
        await form.GetByLabel("VLAN").FillAsync("7");
        await form.GetByLabel("Workers").FillAsync("3");
        await form.GetByLabel("Address", new() { Exact = true }).FillAsync("10.1.2.3");
        await form.GetByRole(AriaRole.Button, new() { Name = "Install" }).ClickAsync();

        // the mock host cannot store a disk: the refusal is told, and the answers are there to try again
        await Expect(page.Page.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();
        await Expect(page.Page.Locator("li.now")).ToHaveCountAsync(0); // the upload's progress is gone
        await Expect(form.GetByLabel("VLAN")).ToHaveValueAsync("7");
        await look("install-failed");
    }
}
