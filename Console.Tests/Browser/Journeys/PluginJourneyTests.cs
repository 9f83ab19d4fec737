using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>The whole life of a plug-in as a person sees it, on real QEMU: installed, used, rebooted, upgraded, upgraded in vain, disabled, uninstalled.</summary>
[Collection("browser")]
public sealed class PluginJourneyTests(BrowserRun browser)
{
    private static readonly LocatorAssertionsToContainTextOptions Boot = new() { Timeout = 240_000 };
    private static readonly LocatorAssertionsToBeVisibleOptions BootVisible = new() { Timeout = 240_000 };
    private static readonly LocatorAssertionsToHaveTextOptions BootText = new() { Timeout = 240_000 };

    [Fact]
    public async Task A_plug_in_is_installed_used_rebooted_upgraded_kept_from_a_bad_upgrade_and_uninstalled()
    {
        var name = "qdplugin-" + Guid.NewGuid().ToString("N")[..8];
        Task<string> first = DemoAppliance.PathAsync(), next = DemoAppliance.PathAsync("1.1.0"), broken = DemoAppliance.PathAsync("1.2.0", broken: true);
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string>
        {
            ["QUARTERDECK_APPLIANCE_URL"] = $"https://10.0.2.2:{ConsoleProcess.FreePort()}", ["Quarterdeck:Plugins:HeartbeatSeconds"] = "2",
        });
        try
        {
            await console.AddHostAsync("here", "qemu:///system");
            await browser.RunAsync("plugin-on-qemu", async page =>
            {
                await InstallAsync(page, name, await first);
                var plugin = new Uri(page.Page.Url).AbsolutePath;
                await UseAsync(page, plugin, "1.0.0", starts: 1);
                await RebootAsync(page, plugin);
                await UseAsync(page, plugin, "1.0.0", starts: 2);
                await UpgradeAsync(page, plugin, await next);
                await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Open the plug-in" })).ToBeVisibleAsync(BootVisible);
                await UseAsync(page, plugin, "1.1.0", starts: 3);
                await UpgradeAsync(page, plugin, await broken);
                await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The version before runs again", Boot);
                await BackAsync(page, plugin);
                await UninstallAsync(page, plugin);
            }, console: console, expected: text => text.Contains("503", StringComparison.Ordinal) || text.Contains("502", StringComparison.Ordinal)); // its page while it restarts
            LocalLibvirt.With(name).ShouldBeEmpty();
        }
        finally
        {
            LocalLibvirt.Remove(name);
        }
    }

    private static async Task InstallAsync(ConsolePage page, string name, string package)
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
        await form.GetByLabel("vms.read").CheckAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "Install" }).ClickAsync();

        var steps = page.Page.Locator(".qd-steps");
        await Expect(steps).ToContainTextAsync("Powering on", Boot);
        await Expect(steps).ToContainTextAsync("Waiting for enrolment", Boot);
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Open the plug-in" })).ToBeVisibleAsync(BootVisible);
        await Expect(steps).ToContainTextAsync("Ready");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Open the plug-in" }).ClickAsync();
        await Expect(page.Heading).ToHaveTextAsync("Harbour light");
        await Expect(State(page)).ToContainTextAsync("ready");
        await Expect(page.Page.Locator(".qd-pairs")).ToContainTextAsync("healthy");
    }

    private static ILocator State(ConsolePage page) => page.Page.Locator(".qd-title .qd-tag");

    /// <summary>The guest's own page inside the console, and what it says over the bridge.</summary>
    private static async Task UseAsync(ConsolePage page, string plugin, string version, int starts)
    {
        await page.OpenAsync($"{plugin}/ui");
        var guest = page.Page.FrameLocator(".qd-plugin-page iframe");
        await Expect(guest.Locator("#version")).ToHaveTextAsync(version, BootText);
        await Expect(guest.Locator("#starts")).ToHaveTextAsync($"{starts}"); // counted on the data disk, which stays
        await Expect(guest.Locator(".greeting")).ToHaveTextAsync("Fish & ships");
        await Expect(page.Page).ToHaveTitleAsync("The lamp · Harbour light · Quarterdeck");
        await guest.GetByRole(AriaRole.Button, new() { Name = "Light it" }).ClickAsync();
        await Expect(page.Page.Locator(".qd-plugin-frame .qd-notice")).ToContainTextAsync("The lamp is lit.");
        await Expect(page.Page).ToHaveTitleAsync("The lamp is lit · Harbour light · Quarterdeck");
    }

    private static async Task RebootAsync(ConsolePage page, string plugin)
    {
        await page.OpenAsync(plugin);
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Its VM" }).ClickAsync();
        await page.Page.WaitForURLAsync("**/vms/*");
        var vm = new Uri(page.Page.Url).AbsolutePath;
        await page.Console.Rest.PostAsync($"/api/v1{vm}/actions/stop", null);
        await Expect(State(page)).ToContainTextAsync("off", Boot);
        await page.Console.Rest.PostAsync($"/api/v1{vm}/actions/start", null);
        await Expect(State(page)).ToContainTextAsync("running", Boot);
        await ReadyAsync(page, plugin);
    }

    /// <summary>Waits for a heartbeat of the guest that was just started: the state alone may still be that of the one before.</summary>
    private static async Task ReadyAsync(ConsolePage page, string plugin)
    {
        async Task<string?> HeardAsync() => (await page.Console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1{plugin}")).GetProperty("health").GetProperty("at").GetString();
        var before = await HeardAsync();
        for (var clock = Stopwatch.StartNew(); await HeardAsync() == before; await Task.Delay(200)) clock.Elapsed.TotalSeconds.ShouldBeLessThan(240);
        await page.OpenAsync(plugin);
        await Expect(State(page)).ToContainTextAsync("ready", Boot);
    }

    private static async Task UpgradeAsync(ConsolePage page, string plugin, string package)
    {
        await page.OpenAsync(plugin);
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Upgrade" }).ClickAsync();
        await page.Page.GetByLabel("OVA package").SetInputFilesAsync(package);
        var form = page.Page.Locator("form.qd-form");
        await Expect(form.GetByLabel("vms.read")).ToBeCheckedAsync(); // approved before
        await form.GetByLabel("I know where this package comes from").CheckAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "Upgrade" }).ClickAsync();
        await Expect(page.Page.Locator(".qd-steps")).ToContainTextAsync("Waiting until the new version is ready", Boot);
    }

    /// <summary>After an upgrade in vain: the version before is ready again, with the data as it left them.</summary>
    private static async Task BackAsync(ConsolePage page, string plugin)
    {
        await ReadyAsync(page, plugin);
        await Expect(page.Page.Locator(".qd-pairs")).ToContainTextAsync("1.1.0");
        await UseAsync(page, plugin, "1.1.0", starts: 4); // the broken one's start was counted on a data disk that was put back
    }

    private static async Task UninstallAsync(ConsolePage page, string plugin)
    {
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await page.OpenAsync(plugin);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await Expect(dialog).ToContainTextAsync("Disable Harbour light?");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Disable Harbour light" }).ClickAsync();
        await Expect(State(page)).ToContainTextAsync("disabled", Boot);

        await page.Page.Locator(".qd-page-head summary").ClickAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Uninstall" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Uninstall Harbour light" }).ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("Open operation|operation", RegexOptions.IgnoreCase) }).First).ToBeVisibleAsync();
        await page.OpenAsync("/plugins");
        await Expect(page.Page.Locator("main")).ToContainTextAsync("No plug-in yet", Boot);
    }
}
