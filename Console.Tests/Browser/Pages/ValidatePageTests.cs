using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Pages;

[Collection("browser")]
public sealed class ValidatePageTests(BrowserRun browser)
{
    [Fact]
    public Task An_author_reads_what_is_wrong_with_a_package_repairs_it_and_reads_that_it_is_valid() => browser.RunAsync("validate", async page =>
    {
        await page.OpenAsync("/plugins");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Validate a package" }).ClickAsync();
        await Expect(page.Heading).ToHaveTextAsync("Validate a package");
        var input = page.Page.GetByLabel("OVA package");
        var main = page.Page.Locator("main");

        await input.SetInputFilesAsync(File(OvaBuilder.Plugin.Replace("\"Example\"", "7").Replace("vms.read", "vms.fly")));
        await Expect(main).ToContainTextAsync("It cannot be installed as a plug-in");
        await Expect(main).ToContainTextAsync("Problem in quarterdeck-plugin.json, vendor: It is no text of the right form.");
        await input.SetInputFilesAsync(File(OvaBuilder.Plugin.Replace("vms.read", "vms.fly")));
        await Expect(main).ToContainTextAsync("Probe 1.0.0");
        await Expect(main).ToContainTextAsync("It can be installed as a plug-in: 0 problems");
        await Expect(main).ToContainTextAsync("This console has no permission 'vms.fly'");
        await page.Page.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "validate.png"), FullPage = true });
        await page.OpenAsync("/plugins");
        await Expect(main).Not.ToContainTextAsync("Probe");
    });

    private static FilePayload File(string manifest) => new() { Name = "probe.ova", MimeType = "application/x-tar", Buffer = new OvaBuilder { Manifest = manifest }.Build() };
}
