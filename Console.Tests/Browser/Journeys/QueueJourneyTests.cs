using System.Net.Http.Json;
using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>Somebody watches a queue: what its page says changes without a reload.</summary>
[Collection("browser")]
public sealed class QueueJourneyTests(BrowserRun browser)
{
    [Fact]
    public async Task Backlog_age_and_failures_of_a_queue_are_seen_as_they_change()
    {
        var rest = browser.Console.Rest;
        var made = await rest.PutAsync("/api/v1/workers/stevedore", new MultipartFormDataContent
        {
            { JsonContent.Create(new { mainModule = "main.js", triggers = new { crons = Array.Empty<string>(), queues = new[] { new { queue = "crates", maxBatchSize = 1, maxBatchTimeoutSeconds = 0, retryDelaySeconds = 3600 } } } }), "metadata" },
            { new StringContent("export default { async queue(batch) { if (batch.messages[0].body.broken) throw new Error('broken'); } };"), "main.js", "main.js" },
        });
        made.IsSuccessStatusCode.ShouldBeTrue(await made.Content.ReadAsStringAsync());
        (await rest.PostAsync("/api/v1/queues/crates/actions/pause", null)).IsSuccessStatusCode.ShouldBeTrue();
        await browser.RunAsync("queue-live", async page =>
        {
            var tab = page.Page;
            ILocator Fact(string what) => tab.Locator(".qd-facts > div").Filter(new() { HasText = what }).Locator("b");
            await page.OpenAsync("/queues/crates");
            await page.SettledAsync();
            await Expect(Fact("messages")).ToHaveTextAsync("0");
            await Expect(Fact("oldest sent")).ToHaveTextAsync("–");
            (await rest.PostAsJsonAsync("/api/v1/queues/crates/messages", new { messages = new object[] { new { body = new { crate = 1 } }, new { body = new { broken = true } }, new { body = new { crate = 2 }, delaySeconds = 3600 } } })).IsSuccessStatusCode.ShouldBeTrue();
            await Expect(Fact("messages")).ToHaveTextAsync("3");
            await Expect(Fact("wait for their time")).ToHaveTextAsync("1");
            await Expect(Fact("failed at their last attempt")).ToHaveTextAsync("0");
            await Expect(Fact("oldest sent")).Not.ToHaveTextAsync("–");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
            await Expect(Fact("failed at their last attempt")).ToHaveTextAsync("1");
            await Expect(Fact("messages")).ToHaveTextAsync("2");
            await Expect(tab.Locator(".qd-table tbody tr").Filter(new() { HasText = "broken" })).ToContainTextAsync("last attempt: exception");
            await page.OpenAsync("/queues");
            await Expect(tab.Locator("tr").Filter(new() { HasText = "crates" })).ToContainTextAsync("flowing");
        });
    }
}
