using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Quarterdeck.Tests.Browser.Pages;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A person makes a VM, looks at its screen, types into it, and another window follows.</summary>
[Collection("browser")]
public sealed class VmJourneyTests(BrowserRun browser)
{
    private static readonly LocatorAssertionsToContainTextOptions Patient = new() { Timeout = 60_000 };

    [Fact]
    public async Task A_vm_on_real_qemu_is_made_seen_typed_into_and_a_second_window_follows()
    {
        var name = "qdscreen-" + Guid.NewGuid().ToString("N")[..8];
        var disk = await ScreenGuest.BuildAsync(name);
        await using var console = await TestConsole.StartAsync();
        try
        {
            await console.AddHostAsync("here", "qemu:///system");
            await browser.RunAsync("vm-on-qemu", page => RunAsync(page, name, disk), console: console,
                expected: complaint => complaint.Contains("domain is not running", StringComparison.Ordinal) || complaint.Contains("is off, so its screen is dark", StringComparison.Ordinal)); // the words of a screen whose guest was quicker than its event
        }
        finally
        {
            LocalLibvirt.Remove(name);
            File.Delete(disk);
        }
    }

    [Fact]
    public async Task A_vm_of_the_mock_driver_is_made_with_an_awkward_name_and_deleted_by_name()
    {
        const string Name = "ünï <b>&\"' 日本 $(id)";
        await using var console = await TestConsole.StartAsync();
        await console.AddHostAsync("mock", "test:///default");
        await browser.RunAsync("vm-on-mock", async page =>
        {
            await page.OpenAsync("/vms/new");
            var form = page.Page;
            await form.GetByLabel("Name", new() { Exact = true }).FillAsync("a/b");
            await form.GetByLabel("vCPUs").FillAsync("0");
            await form.GetByRole(AriaRole.Button, new() { Name = "Remove disk 1" }).ClickAsync();
            await form.GetByRole(AriaRole.Button, new() { Name = "Create VM" }).ClickAsync();
            await Expect(form.Locator("#f-name-e")).ToBeVisibleAsync();
            await Expect(form.Locator("#f-vcpus-e")).ToBeVisibleAsync();
            await Expect(form.GetByLabel("vCPUs")).ToHaveAttributeAsync("aria-invalid", "true");

            await form.GetByLabel("Name", new() { Exact = true }).FillAsync(Name);
            await form.GetByLabel("vCPUs").FillAsync("1");
            await form.GetByRole(AriaRole.Button, new() { Name = "Create VM" }).ClickAsync();
            await Expect(page.Page).ToHaveURLAsync(new Regex("/operations/"));
            await Expect(page.Page.Locator(".qd-title")).ToContainTextAsync("succeeded", Patient);

            var list = await new VmsOnPage(page).OpenAsync();
            await list.Row(Name).GetByRole(AriaRole.Link, new() { Name = Name }).ClickAsync();
            var vm = new VmOnPage(page);
            await Expect(page.Heading).ToHaveTextAsync(Name);
            await vm.ActFromMenuAsync("Delete");
            var dialog = page.Page.GetByRole(AriaRole.Dialog);
            await Expect(dialog).ToContainTextAsync($"Delete VM {Name}?");
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Delete " }).ClickAsync();
            await Expect(page.Page.Locator(".qd-title")).ToContainTextAsync("succeeded", Patient);
            await list.OpenAsync();
            await Expect(list.Row(Name)).ToHaveCountAsync(0);
        }, console: console);
    }

    private static async Task RunAsync(ConsolePage page, string name, string disk)
    {
        var form = page.Page;
        await page.OpenAsync("/vms/new");
        await form.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await form.GetByLabel("Memory (MiB)").FillAsync("128");
        await form.GetByLabel("Disk 1", new() { Exact = true }).SelectOptionAsync("file");
        await form.GetByLabel("File", new() { Exact = true }).FillAsync(disk);
        await form.GetByLabel("Format").SelectOptionAsync("raw");
        await form.GetByLabel("Start it as soon").UncheckAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "Create VM" }).ClickAsync();
        await Expect(page.Page.Locator(".qd-title")).ToContainTextAsync("succeeded", Patient);

        // a second window, which nobody touches from here on
        var second = new ConsolePage(await page.Page.Context.NewPageAsync(), page.Console);
        var list = await new VmsOnPage(second).OpenAsync($"?search={name}");
        await Expect(list.Row(name)).ToContainTextAsync("off");
        await second.Page.EvaluateAsync("window.untouched = true");

        var id = (await page.Console.UntilAsync($"/api/v1/vms?search={name}", l => l.GetProperty("total").GetInt32() == 1)).GetProperty("items")[0].GetProperty("id").GetString()!;
        var vm = await new VmOnPage(page).OpenAsync(id, "console");
        await vm.ActAsync("Start");
        await Expect(vm.State).ToContainTextAsync("running", Patient);
        await Expect(list.Row(name)).ToContainTextAsync("running", Patient);

        // the screen opened by itself: the guest's text is on it, but no more than text
        await Expect(vm.ScreenState).ToContainTextAsync("connected", Patient);
        await vm.UntilBrightAsync(b => b is > 0.005 and < 0.3, "The guest's prompt is not on the screen");
        // the boot loader shows text, too, and what is typed before the shell is there is lost: type again until it answers
        await vm.Screen.ClickAsync();
        for (var end = DateTime.UtcNow.AddSeconds(90); await vm.BrightnessAsync() < 0.8; await Task.Delay(4000))
        {
            DateTime.UtcNow.ShouldBeLessThan(end, "What was typed did not reach the guest");
            await page.Page.Keyboard.TypeAsync("printf '\\033[30;47m'; clear\n"); // only keys without Shift: Playwright presses none for a capital
        }

        // the chord gives the keyboard back to the page
        await page.Page.Keyboard.DownAsync("Control");
        await page.Page.Keyboard.DownAsync("Alt");
        await page.Page.Keyboard.DownAsync("Shift");
        await Expect(page.Page.Locator("#console-focus")).ToBeFocusedAsync();
        foreach (var key in new[] { "Shift", "Alt", "Control" }) await page.Page.Keyboard.UpAsync(key);

        await vm.ActAsync("Shut down", $"Shut down {name}");
        await Expect(vm.State).ToContainTextAsync("off", Patient);
        await Expect(page.Page.GetByText("The VM is off")).ToBeVisibleAsync();
        await Expect(list.Row(name)).ToContainTextAsync("off", Patient);
        (await second.Page.EvaluateAsync<bool>("window.untouched === true")).ShouldBeTrue("the second window followed without a reload");
    }
}
