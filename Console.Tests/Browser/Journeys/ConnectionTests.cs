using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Quarterdeck.Tests.Browser.Pages;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

[Collection("browser")]
public sealed class ConnectionTests(BrowserRun browser)
{
    [Fact]
    public async Task A_lost_connection_is_told_and_the_same_page_goes_on_when_it_is_back()
    {
        await Objects.HostAsync(browser.Console);
        await browser.RunAsync("connection-lost", async page =>
        {
            var (cut, sockets) = (false, new List<IWebSocketRoute>());
            await page.Page.RouteWebSocketAsync(new Regex("_blazor"), socket =>
            {
                if (cut) { _ = socket.CloseAsync(); return; }
                socket.ConnectToServer();
                sockets.Add(socket);
            });
            await page.Page.RouteAsync(new Regex("_blazor/negotiate"), route => cut ? route.AbortAsync() : route.ContinueAsync());
            await page.OpenAsync("/vms?search=te&state=running");
            await page.SettledAsync();
            await page.Page.EvaluateAsync("() => { window.sameDocument = true; }");

            cut = true;
            await sockets[^1].CloseAsync(new() { Code = 1011, Reason = "cut" });
            var notice = page.Page.Locator("#connection-notice");
            await Expect(notice).ToBeVisibleAsync();
            await Expect(notice).ToContainTextAsync("Connection lost");
            await Expect(page.Page.Locator(".qd-live")).ToContainTextAsync("Reconnecting");
            await Expect(page.Page.Locator("td .qd-row-link")).ToHaveTextAsync("test"); // still readable

            cut = false;
            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Try now" }).ClickAsync();
            await Expect(notice).ToBeHiddenAsync();
            (await page.Page.EvaluateAsync<bool>("() => window.sameDocument === true")).ShouldBeTrue();
            await page.Page.GetByPlaceholder("Find").FillAsync("test");
            await Expect(page.Page).ToHaveURLAsync(new Regex("search=test")); // the circuit hears again
        }, expected: _ => true);
    }

    [Fact]
    public async Task A_restarted_console_reloads_the_page_in_place_with_the_same_filters_and_session()
    {
        var first = await TestConsole.StartAsync();
        var (data, port) = (first.Data, first.Url.Port);
        TestConsole? second = null;
        try
        {
            await browser.RunAsync("console-restarted", async page =>
            {
                await page.OpenAsync("/vms?search=nothing&state=running");
                await page.SettledAsync();
                await page.Page.EvaluateAsync("() => { window.sameDocument = true; }");

                var clock = Stopwatch.StartNew();
                await first.StopAsync();
                clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20)); // with an open circuit
                await Expect(page.Page.Locator("#connection-notice")).ToBeVisibleAsync();

                second = await TestConsole.StartAsync(data: data, port: port);
                await page.Page.WaitForFunctionAsync("() => !window.sameDocument", null, new() { Timeout = 45_000 });
                await page.InteractiveAsync();
                await Expect(page.Page).ToHaveURLAsync(new Regex(@"/vms\?search=nothing&state=running$"));
                await Expect(page.Page.GetByPlaceholder("Find")).ToHaveValueAsync("nothing");
                await Expect(page.Page.Locator("#connection-notice")).ToBeHiddenAsync();
            }, console: first, expected: _ => true);
        }
        finally
        {
            if (second is not null) await second.DisposeAsync();
            await first.DisposeAsync();
        }
    }
}
