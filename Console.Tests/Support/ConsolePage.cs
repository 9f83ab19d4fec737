using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Support;

/// <summary>Base of page objects: a page of the console in a browser.</summary>
public sealed class ConsolePage(IPage page, TestConsole console)
{
    /// <summary>Playwright's page.</summary>
    public IPage Page => page;

    /// <summary>The console it belongs to.</summary>
    public TestConsole Console => console;

    /// <summary>The page's heading.</summary>
    public ILocator Heading => page.Locator("h1");

    /// <summary>Opens an address and waits until a click would be heard: prerendered HTML alone does not count.</summary>
    public async Task OpenAsync(string path)
    {
        await page.GotoAsync(path);
        await InteractiveAsync();
    }

    /// <summary>Waits until the circuit has taken the page over.</summary>
    public Task InteractiveAsync() => page.Locator(".qd-app[data-interactive]").WaitForAsync(new() { State = WaitForSelectorState.Attached });

    /// <summary>Waits until nothing on the page is still being read.</summary>
    public Task SettledAsync() => Expect(page.Locator(".qd-skeleton")).ToHaveCountAsync(0, new() { Timeout = 30_000 });

    /// <summary>Signs <c>admin</c> in by the form.</summary>
    public async Task SignInAsync(string name = "admin", string password = TestConsole.Password)
    {
        await page.GotoAsync("/login");
        await page.GetByLabel("User name").FillAsync(name);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        // Chromium now and then never tells of the load of this page although it is there; what counts is where it is.
        try { await page.WaitForURLAsync(u => !u.Contains("/login"), new() { Timeout = 20_000 }); }
        catch (TimeoutException) when (!page.Url.Contains("/login", StringComparison.Ordinal)) { }
    }
}
