using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Quarterdeck.Tests.Browser.Pages;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>The shell, and with it the parts of the Blazor script that the console relies on (docs/decisions: script of .NET 9 on .NET 10).</summary>
[Collection("browser")]
public sealed class ShellTests(BrowserRun browser)
{
    [Fact]
    public Task On_a_phone_the_menu_opens_keeps_the_focus_and_gives_it_back() => browser.RunAsync("drawer", async page =>
    {
        await page.OpenAsync("/");
        var (menu, nav) = (page.Page.GetByRole(AriaRole.Button, new() { Name = "Menu" }), page.Page.Locator("#nav"));
        await Expect(nav).ToBeHiddenAsync();
        await menu.FocusAsync();
        await page.Page.Keyboard.PressAsync("Enter");
        await Expect(menu).ToHaveAttributeAsync("aria-expanded", "true");
        await Expect(nav.GetByRole(AriaRole.Link, new() { Name = "Overview" }).First).ToBeFocusedAsync();
        await page.Page.Keyboard.PressAsync("Shift+Tab");
        await Expect(menu).ToBeFocusedAsync(); // nothing behind the drawer can be reached
        await page.Page.Keyboard.PressAsync("Shift+Tab");
        await Expect(nav.GetByRole(AriaRole.Link).Last).ToBeFocusedAsync();
        await page.Page.Keyboard.PressAsync("Escape");
        await Expect(nav).ToBeHiddenAsync();
        await Expect(menu).ToBeFocusedAsync();
        await menu.ClickAsync();
        await nav.GetByRole(AriaRole.Link, new() { Name = "Hosts" }).ClickAsync();
        await Expect(page.Heading).ToHaveTextAsync("Hosts");
        await Expect(nav).ToBeHiddenAsync();
    }, Look.Phone);

    [Fact]
    public Task Every_entry_of_the_navigation_leads_to_a_page() => browser.RunAsync("navigation", async page =>
    {
        await page.OpenAsync("/");
        var links = await page.Page.Locator("#nav a").EvaluateAllAsync<string[]>("all => all.map(a => a.getAttribute('href'))");
        links.Length.ShouldBeGreaterThan(5);
        foreach (var link in links)
        {
            await page.Page.Locator($"#nav a[href='{link}']").ClickAsync();
            await Expect(page.Page.Locator($"#nav a.active[href='{link}']")).ToBeVisibleAsync();
            await Expect(page.Heading).Not.ToHaveTextAsync("Nothing here");
            await page.SettledAsync();
        }
    });

    [Fact]
    public Task The_theme_is_switched_at_once_and_remembered_before_the_first_paint() => browser.RunAsync("theme", async page =>
    {
        await page.OpenAsync("/");
        var light = await BackgroundAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Switch between light and dark" }).ClickAsync();
        (await BackgroundAsync()).ShouldNotBe(light);
        await page.Page.ReloadAsync();
        await Expect(page.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        (await BackgroundAsync()).ShouldNotBe(light);

        Task<string> BackgroundAsync() => page.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
    });

    [Fact]
    public Task The_first_tab_stop_skips_to_the_content() => browser.RunAsync("skip-link", async page =>
    {
        await page.OpenAsync("/hosts");
        await page.Page.EvaluateAsync("() => document.activeElement?.blur()");
        await page.Page.Locator(".qd-skip").FocusAsync();
        await page.Page.Keyboard.PressAsync("Enter");
        await Expect(page.Page.Locator("#main")).ToBeFocusedAsync();
    });

    [Fact]
    public async Task A_search_filter_and_hidden_column_live_in_the_address_and_survive_a_reload()
    {
        await Objects.HostAsync(browser.Console);
        await browser.RunAsync("list-state", async page =>
        {
            await page.OpenAsync("/vms");
            await page.SettledAsync();
            await page.Page.GetByPlaceholder("Find").PressSequentiallyAsync("test");
            await Expect(page.Page).ToHaveURLAsync(new Regex("search=test"));
            await page.Page.Locator(".qd-chip select").First.SelectOptionAsync("running");
            await Expect(page.Page).ToHaveURLAsync(new Regex("state=running"));
            await page.Page.GetByText("Choose columns").Or(page.Page.GetByLabel("Choose columns")).First.ClickAsync();
            var heads = page.Page.Locator("thead th");
            var before = await heads.CountAsync();
            await page.Page.Locator(".qd-menu-list input[type=checkbox]").First.ClickAsync();
            await Expect(heads).ToHaveCountAsync(before - 1);
            await page.Page.ReloadAsync();
            await page.InteractiveAsync();
            await page.SettledAsync();
            await Expect(heads).ToHaveCountAsync(before - 1);
            await Expect(page.Page.GetByPlaceholder("Find")).ToHaveValueAsync("test");
            await Expect(page.Page.Locator("td .qd-row-link")).ToHaveTextAsync("test");
            await page.Page.Locator("tbody tr td").Nth(1).ClickAsync(); // the row, not the link
            await Expect(page.Heading).ToHaveTextAsync("test");
        });
    }

    [Fact]
    public async Task A_dialog_left_by_Escape_asks_again_the_next_time()
    {
        var host = await Objects.HostAsync(browser.Console);
        await browser.RunAsync("dialog", async page =>
        {
            await page.OpenAsync($"/hosts/{host}");
            await page.SettledAsync();
            for (var i = 0; i < 2; i++)
            {
                await page.Page.Locator("summary[aria-label*='ctions'], details.qd-menu summary").Last.ClickAsync();
                await page.Page.Locator(".qd-menu-item.danger").First.ClickAsync();
                await Expect(page.Page.Locator("dialog[open] h2")).ToContainTextAsync("mock");
                await page.Page.Keyboard.PressAsync("Escape");
                await Expect(page.Page.Locator("dialog[open]")).ToHaveCountAsync(0);
            }
        });
    }

    [Fact]
    public Task The_first_page_is_small_and_interactive_soon() => browser.RunAsync("first-load", async page =>
    {
        await page.OpenAsync("/");
        var bytes = await page.Page.EvaluateAsync<double>("() => performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((sum, e) => sum + e.transferSize, 0)");
        var requests = await page.Page.EvaluateAsync<int>("() => performance.getEntriesByType('resource').length + 1");
        await File.WriteAllTextAsync(Path.Combine(BrowserRun.Results, "first-load.txt"), $"{bytes / 1024:0} KiB in {requests} requests\n");
        bytes.ShouldBeLessThan(400 * 1024);
        requests.ShouldBeLessThan(25);
    });
}
