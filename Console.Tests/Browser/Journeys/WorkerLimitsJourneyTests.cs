using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>The administrator sets what all workers may use, on the page.</summary>
[Collection("browser")]
public sealed class WorkerLimitsJourneyTests(BrowserRun browser)
{
    [Fact]
    public async Task Defaults_and_ceilings_are_set_on_the_page_and_a_ceiling_that_takes_something_from_a_running_worker_is_asked_about()
    {
        var (rest, table) = (browser.Console.Rest, browser.Console.App.Services.GetRequiredService<WorkerTable>());
        using var upload = new MultipartFormDataContent
        {
            { new StringContent("""{"compatibilityDate":"2026-01-01","limits":{"memoryMiB":256}}""", System.Text.Encoding.UTF8, "application/json"), "metadata" },
            { new StringContent("export default { fetch: () => new Response('x') }"), "index.js", "index.js" },
        };
        using (var put = await rest.PutAsync("/api/v1/workers/limits-journey", upload)) put.IsSuccessStatusCode.ShouldBeTrue(await put.Content.ReadAsStringAsync());
        await browser.RunAsync("worker-limits", async page =>
        {
            var tab = page.Page;
            await page.OpenAsync("/workers/limits-journey?tab=settings");
            await tab.GetByRole(AriaRole.Link, new() { Name = "Defaults and ceilings" }).ClickAsync();
            await Expect(page.Heading).ToHaveTextAsync("Worker limits");

            await TypeAsync("Default of CPU per turn in ms", "40000");
            await SaveAsync();
            await Expect(tab.GetByRole(AriaRole.Alert).Filter(new() { HasText = "The default 40000 is more than the ceiling 30000. Raise the ceiling or lower the default." })).ToBeVisibleAsync();
            await Expect(tab.GetByLabel("Default of CPU per turn in ms")).ToHaveAttributeAsync("aria-invalid", "true");
            await TypeAsync("Default of CPU per turn in ms", "250");
            await SaveAsync();
            await Expect(tab.GetByText("Saved. It holds for new versions")).ToBeVisibleAsync();
            (await PolicyAsync()).GetProperty("defaults").GetProperty("cpuMs").GetInt32().ShouldBe(250);
            await Expect(tab.GetByRole(AriaRole.Region, new() { Name = "Audit" })).ToContainTextAsync("worker-policy.change");

            await TypeAsync("Ceiling of Heap in MiB", "200");
            await SaveAsync();
            var ask = tab.GetByRole(AriaRole.Dialog, new() { Name = "Lower the limits of limits-journey?" });
            await ask.GetByRole(AriaRole.Button, new() { Name = "Keep it as it is" }).ClickAsync();
            (await PolicyAsync()).GetProperty("ceilings").GetProperty("memoryMiB").GetInt32().ShouldBe(512);
            await Expect(tab.GetByLabel("Ceiling of Heap in MiB")).ToHaveValueAsync("200"); // what was typed is still there
            await SaveAsync();
            await ask.GetByRole(AriaRole.Button, new() { Name = "Lower them" }).ClickAsync();
            using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60)))
                await table.WaitForAsync(t => t.ByName("limits-journey")!.Versions[0].Limits.MemoryMiB == 200, limit.Token);

            await tab.GetByRole(AriaRole.Button, new() { Name = "Usual values" }).ClickAsync();
            await Expect(tab.GetByLabel("Ceiling of Heap in MiB")).ToHaveValueAsync("512");
            await SaveAsync();
            await Expect(tab.GetByRole(AriaRole.Button, new() { Name = "Usual values" })).ToBeDisabledAsync();
            using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60)))
                await table.WaitForAsync(t => t.ByName("limits-journey")!.Versions[0].Limits.MemoryMiB == 256, limit.Token);

            async Task TypeAsync(string label, string text)
            {
                await tab.GetByLabel(label).FillAsync(text);
                await tab.GetByLabel(label).PressAsync("Tab");
            }

            Task SaveAsync() => tab.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        });
        (await rest.DeleteAsync("/api/v1/workers/limits-journey")).IsSuccessStatusCode.ShouldBeTrue();

        async Task<JsonElement> PolicyAsync() => await rest.GetFromJsonAsync<JsonElement>("/api/v1/worker-policy");
    }
}
