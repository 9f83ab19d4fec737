using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A person installs the demo appliance from its OVA on real QEMU, watches it enrol, disables it and uninstalls it.</summary>
[Collection("browser")]
public sealed class PluginJourneyTests(BrowserRun browser)
{
    private static readonly LocatorAssertionsToContainTextOptions Boot = new() { Timeout = 240_000 };
    private static readonly LocatorAssertionsToBeVisibleOptions BootVisible = new() { Timeout = 240_000 };

    [Fact]
    public async Task A_plugin_is_installed_from_its_package_enrols_and_is_disabled_and_uninstalled()
    {
        var name = "qdplugin-" + Guid.NewGuid().ToString("N")[..8];
        var package = await DemoAppliance.PathAsync();
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string>
        {
            ["QUARTERDECK_APPLIANCE_URL"] = $"https://10.0.2.2:{ConsoleProcess.FreePort()}", ["Quarterdeck:Plugins:HeartbeatSeconds"] = "2",
        });
        try
        {
            await console.AddHostAsync("here", "qemu:///system");
            await browser.RunAsync("plugin-on-qemu", page => RunAsync(page, name, package), console: console);
            LocalLibvirt.With(name).ShouldBeEmpty();
        }
        finally
        {
            LocalLibvirt.Remove(name);
        }
    }

    private static async Task RunAsync(ConsolePage page, string name, string package)
    {
        await page.OpenAsync("/plugins");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Install the first plug-in" }).ClickAsync();
        await page.Page.GetByLabel("OVA package").SetInputFilesAsync(package);

        // what the package says about itself, before a byte of its disk is sent
        await Expect(page.Page.Locator("main")).ToContainTextAsync("Harbour light");
        var form = page.Page.Locator("form.qd-form");
        await form.GetByLabel("Name of the VM").FillAsync(name);
        await form.GetByLabel("Network “Management”").FillAsync("user");
        await form.GetByLabel("Greeting").FillAsync("Fish & ships");
        await form.GetByRole(AriaRole.Button, new() { Name = "Install" }).ClickAsync();
        await Expect(form).ToContainTextAsync("No trusted publisher signed the package"); // refused in words until the person vouches for it
        await page.Page.GetByLabel("I know where this package comes from").CheckAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "Install" }).ClickAsync();

        var steps = page.Page.Locator(".qd-steps");
        await Expect(steps).ToContainTextAsync("Powering on", Boot);
        await Expect(steps).ToContainTextAsync("Waiting for enrolment", Boot);
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Open the plug-in" })).ToBeVisibleAsync(BootVisible);
        await Expect(steps).ToContainTextAsync("Ready");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Open the plug-in" }).ClickAsync();
        await Expect(page.Heading).ToHaveTextAsync("Harbour light");
        var state = page.Page.Locator(".qd-title .qd-tag");
        await Expect(state).ToContainTextAsync("ready");
        await Expect(page.Page.Locator(".qd-pairs")).ToContainTextAsync("healthy");
        await page.Page.Locator(".qd-page-head").GetByRole(AriaRole.Link, new() { Name = "Open" }).ClickAsync();
        await Expect(page.Page.FrameLocator("iframe").Locator("h1")).ToContainTextAsync("Harbour light");
        await page.Page.GoBackAsync();

        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await Expect(dialog).ToContainTextAsync("Disable Harbour light?");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Disable Harbour light" }).ClickAsync();
        await Expect(state).ToContainTextAsync("disabled", Boot);

        await page.Page.Locator(".qd-page-head summary").ClickAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Uninstall" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Uninstall Harbour light" }).ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("Open operation|operation", RegexOptions.IgnoreCase) }).First).ToBeVisibleAsync();
        await page.OpenAsync("/plugins");
        await Expect(page.Page.Locator("main")).ToContainTextAsync("No plug-in yet", Boot);
    }
}
