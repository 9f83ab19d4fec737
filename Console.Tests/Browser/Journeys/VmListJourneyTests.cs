using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Quarterdeck.Tests.Browser.Pages;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A person finds one VM among 10,000, and sees what a host's absence means.</summary>
[Collection("browser")]
public sealed class VmListJourneyTests(BrowserRun browser)
{
    [Fact]
    public async Task A_vm_among_ten_thousand_is_found_by_typing_and_followed_live()
    {
        await using var console = await TestConsole.StartAsync();
        var file = await TenThousandVms.WriteAsync(Path.Combine(console.Data, "images"));
        await console.AddHostAsync("many", "test://" + file, seconds: 180);
        await console.UntilAsync("/api/v1/vms?pageSize=1", list => list.GetProperty("total").GetInt32() == TenThousandVms.Count);
        await browser.RunAsync("vm-list", async page =>
        {
            var list = await new VmsOnPage(page).OpenAsync();
            await Expect(list.Count).ToHaveTextAsync("10,000 VMs");
            await list.SearchAsync("vm-0912");
            await Expect(list.Count).ToHaveTextAsync("10 VMs");
            await list.SearchAsync("3");
            await Expect(list.Count).ToHaveTextAsync("1 VM");
            await Expect(list.Row("vm-09123")).ToContainTextAsync("running");
            await Expect(page.Page).ToHaveURLAsync(new Regex("search=vm-09123"));

            var id = (await console.UntilAsync("/api/v1/vms?search=vm-09123", l => l.GetProperty("total").GetInt32() == 1)).GetProperty("items")[0].GetProperty("id").GetString();
            await console.EndAsync(await console.Rest.PostAsync($"/api/v1/vms/{id}/actions/stop", null));
            await Expect(list.Row("vm-09123")).ToContainTextAsync("off");

            await page.Page.ReloadAsync();
            await page.InteractiveAsync();
            await Expect(list.Count).ToHaveTextAsync("1 VM");
            await list.OpenAsync("?state=off");
            await Expect(list.Count).ToHaveTextAsync("1 VM");
            await list.OpenAsync("?sort=-name&page=2");
            await Expect(list.Row("vm-09949")).ToBeVisibleAsync();
        }, console: console);
    }

    [Fact]
    public async Task A_host_that_is_refused_or_away_says_why_and_what_to_do()
    {
        await using var console = await TestConsole.StartAsync();
        await browser.RunAsync("host-away", async page =>
        {
            await page.OpenAsync("/hosts");
            await page.SettledAsync();
            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Add host" }).First.ClickAsync();
            var dialog = page.Page.GetByRole(AriaRole.Dialog);
            await dialog.GetByLabel("Name").FillAsync("away");
            await dialog.GetByLabel("Address").FillAsync("qemu+ext:///system?command=/bin/sh");
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Add host" }).ClickAsync();
            await Expect(dialog.Locator("#f-uri-e")).ToBeVisibleAsync();
            await dialog.GetByLabel("Address").FillAsync("qemu+tcp://127.0.0.1:1/system");
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Add host" }).ClickAsync();
            await Expect(page.Heading).ToHaveTextAsync("away");
            await Expect(page.Page.Locator(".qd-title .qd-tag")).ToContainTextAsync("disconnected");
            await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("does not answer");
            await Expect(page.Page.GetByRole(AriaRole.Alert)).Not.ToContainTextAsync("is connecting");
        }, console: console);
    }
}
