using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>A worker's tab of durable objects, on the real runtime.</summary>
[Collection("browser")]
public sealed class WorkerObjectsTests(BrowserRun browser)
{
    private const string Code = """
        import { DurableObject } from 'cloudflare:workers';
        export class Berth extends DurableObject { async take(mib) { await this.ctx.storage.put('cargo', 'x'.repeat(mib << 20)); } }
        export class Crane extends DurableObject { }
        export default { async fetch(request, env) {
          const { pathname } = new URL(request.url);
          await env.BERTHS.getByName(`berth ${pathname.slice(1)}`).take(pathname === '/17' ? 1 : 0);
          return new Response('taken');
        } };
        """;

    [Fact]
    public async Task People_see_classes_objects_and_sizes_are_told_of_empty_ones_and_delete_an_object_by_name()
    {
        var (rest, name) = (browser.Console.Rest, "harbour-" + Guid.NewGuid().ToString("N")[..8]);
        var bindings = new Dictionary<string, object> { ["BERTHS"] = new { type = "durable_object", @class = "Berth" }, ["CRANES"] = new { type = "durable_object", @class = "Crane" } };
        using (var made = await rest.PutAsync($"/api/v1/workers/{name}", new MultipartFormDataContent { { JsonContent.Create(new { mainModule = "index.js", bindings }), "metadata" }, { new StringContent(Code), "index.js", "index.js" } }))
            Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        await browser.RunAsync("worker-objects", async page =>
        {
            var tab = page.Page;
            var (classes, objects) = (tab.GetByRole(AriaRole.Region, new() { Name = "Classes of durable objects" }), tab.GetByRole(AriaRole.Region, new() { Name = "Objects", Exact = true }));
            await page.OpenAsync($"/workers/{name}?tab=objects");
            await Expect(tab.GetByText("no object was called yet")).ToBeVisibleAsync();
            await Expect(classes.GetByRole(AriaRole.Row).Filter(new() { HasText = "Crane" })).ToBeVisibleAsync();
            await classes.GetByRole(AriaRole.Button, new() { Name = "Crane" }).ClickAsync();
            await Expect(tab.GetByText("An object begins with the first call of it.")).ToBeVisibleAsync();

            foreach (var berth in (string[])["17", "18"]) await TryAsync(rest, name, berth);
            await page.OpenAsync($"/workers/{name}?tab=objects");
            await Expect(classes.GetByRole(AriaRole.Row).Filter(new() { HasText = "Berth" }).GetByRole(AriaRole.Cell).Nth(1)).ToHaveTextAsync("2");
            await Expect(tab.GetByText("of 10 GiB")).ToBeVisibleAsync();
            await classes.GetByRole(AriaRole.Button, new() { Name = "Berth" }).ClickAsync();
            await Expect(objects.GetByRole(AriaRole.Row)).ToHaveCountAsync(3); // with the head
            await Expect(Row("berth 17")).ToContainTextAsync("MiB");
            await Expect(Row("berth 18")).ToContainTextAsync("KiB");
            await tab.ScreenshotAsync(new() { Path = Path.Combine(Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots")).FullName, "worker-objects.png"), FullPage = true });

            await tab.GetByRole(AriaRole.Button, new() { Name = "Delete object berth 17" }).ClickAsync();
            await Expect(tab.GetByRole(AriaRole.Dialog)).ToContainTextAsync("All that it stored goes with it");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Delete berth 17" }).ClickAsync();
            await Expect(objects.GetByRole(AriaRole.Row)).ToHaveCountAsync(2);
            await Expect(Row("berth 17")).ToHaveCountAsync(0);
            await Expect(classes.GetByRole(AriaRole.Row).Filter(new() { HasText = "Berth" }).GetByRole(AriaRole.Cell).Nth(1)).ToHaveTextAsync("1");

            ILocator Row(string text) => objects.GetByRole(AriaRole.Row).Filter(new() { HasText = text });
        });
        using var gone = await rest.DeleteAsync($"/api/v1/workers/{name}");
        gone.EnsureSuccessStatusCode();
    }

    // Sent into the runtime past the front, so that no zone is needed.
    private static async Task TryAsync(HttpClient rest, string name, string berth)
    {
        using var answer = await rest.PostAsJsonAsync($"/api/v1/workers/{name}/trials", new { url = $"https://harbour.test/{berth}" });
        var tried = await answer.Content.ReadFromJsonAsync<JsonElement>();
        tried.GetProperty("body").GetString().ShouldBe("taken", tried.ToString());
    }
}
