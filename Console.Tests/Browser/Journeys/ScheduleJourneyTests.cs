using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A person has a VM shut down every evening.</summary>
[Collection("browser")]
public sealed class ScheduleJourneyTests(BrowserRun browser)
{
    [Theory]
    [InlineData(1440, false)]
    [InlineData(390, true)]
    public async Task A_schedule_is_made_run_by_hand_changed_and_deleted(int width, bool dark)
    {
        await using var console = await TestConsole.StartAsync();
        await console.AddHostAsync("mock", await MockHost.WriteAsync(console));
        await browser.RunAsync($"schedule-{width}", async page =>
        {
            await page.OpenAsync("/schedules");
            await page.SettledAsync();
            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Make the first schedule" }).ClickAsync();
            var dialog = page.Page.GetByRole(AriaRole.Dialog);
            await dialog.GetByLabel("Does").SelectOptionAsync("vm.shutdown");
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Create schedule" }).ClickAsync();
            await Expect(dialog.Locator("#f-name-e")).ToBeVisibleAsync(); // what is missing is said at its field, and nothing is lost
            await Expect(dialog.GetByLabel("Does")).ToHaveValueAsync("vm.shutdown");

            await dialog.GetByLabel("Name").FillAsync("Evening");
            await dialog.GetByLabel("Virtual machine").FillAsync("test");
            await dialog.GetByLabel("How often").SelectOptionAsync("work");
            await dialog.GetByLabel("At").FillAsync("19:30");
            await dialog.GetByLabel("Time zone").FillAsync("UTC");
            await dialog.GetByText("Wait while people work").ClickAsync();
            await Expect(dialog.GetByText("19:30")).ToBeVisibleAsync();
            await page.Page.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "screenshots", $"schedule-dialog-{width}.png") });
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Create schedule" }).ClickAsync();
            var row = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Evening" });
            await Expect(row).ToContainTextAsync("Shut VM down: test");
            await page.Page.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "screenshots", $"schedules-{width}.png") });

            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Run Evening now" }).ClickAsync();
            await console.UntilAsync("/api/v1/vms?search=test", l => l.GetProperty("items")[0].GetProperty("state").GetString() == "off");
            await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Open operation" })).ToBeVisibleAsync();

            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Change Evening" }).ClickAsync();
            await Expect(dialog.GetByLabel("At")).ToHaveValueAsync("19:30");
            await dialog.GetByText("Runs by itself").ClickAsync();
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
            await Expect(row).ToContainTextAsync("disabled");

            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Delete Evening" }).ClickAsync();
            await page.Page.Locator("dialog[open]").GetByRole(AriaRole.Button, new() { Name = "Delete Evening" }).ClickAsync();
            await Expect(page.Page.GetByText("Nothing is scheduled")).ToBeVisibleAsync();
        }, new Look(width, 900, dark), console: console);
    }
}
