using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Microsoft.Extensions.DependencyInjection;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>Somebody writes a worker in the page, deploys it, routes a zone to it, calls it, watches its log, splits traffic with a second version, and rolls back: on the real runtime.</summary>
[Collection("browser")]
public sealed class WorkerJourneyTests(BrowserRun browser)
{
    private static readonly string Pictures = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots")).FullName;

    [Fact]
    public async Task A_worker_is_written_deployed_routed_called_watched_split_and_rolled_back()
    {
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string> { ["QUARTERDECK_WORKER_URLS"] = "http://127.0.0.1:0" });
        var servers = console.App.Services.GetRequiredService<ComputeServers>();
        servers.Problem.ShouldBeNull();
        using var visitor = new HttpClient { BaseAddress = await FrontAsync(console) };
        await browser.RunAsync("worker", async page =>
        {
            var tab = page.Page;
            await page.OpenAsync("/workers");
            await tab.GetByRole(AriaRole.Link, new() { Name = "Write the first worker" }).ClickAsync();
            await Expect(tab.Locator(".qd-code[data-editor=rich] .view-lines")).ToContainTextAsync("export default");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Deploy", Exact = true }).ClickAsync();
            await Expect(tab.GetByText("The worker needs a name.").First).ToBeVisibleAsync();
            await tab.GetByLabel("Name", new() { Exact = true }).FillAsync("harbour");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Deploy", Exact = true }).ClickAsync();
            await Expect(page.Heading).ToHaveTextAsync("harbour");
            await tab.ScreenshotAsync(new() { Path = Path.Combine(Pictures, "worker-overview-empty.png"), FullPage = true });

            await tab.GetByRole(AriaRole.Link, new() { Name = "Route a zone to it" }).ClickAsync();
            await tab.GetByLabel("Host name", new() { Exact = true }).FillAsync("shop.example.test");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Make zone" }).ClickAsync();
            await Expect(page.Heading).ToHaveTextAsync("shop.example.test");
            await Expect(tab.GetByRole(AriaRole.Link, new() { Name = "harbour" })).ToBeVisibleAsync();
            (await CallAsync(visitor, "/quay")).ShouldBe("Hello from Quarterdeck, you asked for /quay\n");

            await page.OpenAsync("/workers/harbour?tab=log");
            await Expect(tab.GetByText("Waiting for requests")).ToBeVisibleAsync();
            await CallAsync(visitor, "/watched");
            var line = tab.Locator(".qd-run").Filter(new() { HasText = "GET /watched" });
            await Expect(line).ToBeVisibleAsync();
            await Expect(line).ToContainTextAsync("200");
            await tab.GetByLabel("Find in URL, lines, errors").FillAsync("nothing like it");
            await Expect(line).ToHaveCountAsync(0);

            await tab.GetByRole(AriaRole.Link, new() { Name = "Edit code" }).ClickAsync();
            await tab.Locator(".qd-code[data-editor=rich] .view-lines").ClickAsync();
            await tab.Keyboard.PressAsync("Control+A");
            await tab.Keyboard.InsertTextAsync("export default { fetch() { syntax error } }");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Deploy", Exact = true }).ClickAsync();
            await Expect(tab.Locator(".qd-notice[role=alert]")).ToBeVisibleAsync(); // refused, and what answers stays
            (await CallAsync(visitor, "/still")).ShouldContain("/still");
            await tab.Locator(".qd-code[data-editor=rich] .view-lines").ClickAsync();
            await tab.Keyboard.PressAsync("Control+A");
            await tab.Keyboard.InsertTextAsync("export default { fetch() { console.warn('second'); return new Response('second\\n'); } }");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Make a version only" }).ClickAsync();
            await Expect(tab.GetByText("Version 2 was made; nothing answers with it yet.")).ToBeVisibleAsync();
            await tab.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
            await Expect(tab.Locator(".qd-answer")).ToHaveTextAsync("second\n");
            await Expect(tab.Locator(".qd-run-line.warn")).ToContainTextAsync("second");
            await tab.ScreenshotAsync(new() { Path = Path.Combine(Pictures, "worker-edit.png"), FullPage = true });

            await page.OpenAsync("/workers/harbour?tab=versions");
            await tab.GetByRole(AriaRole.Slider).FillAsync("50");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Apply split" }).ClickAsync();
            await Expect(tab.GetByText("v1 50 % · v2 50 % answers now.").Or(tab.GetByText("v2 50 % · v1 50 % answers now."))).ToBeVisibleAsync();
            var answers = new HashSet<string>();
            for (var i = 0; i < 200 && answers.Count < 2; i++) answers.Add(await CallAsync(visitor, "/split"));
            answers.Count.ShouldBe(2);
            await tab.GetByLabel("Compare version 1").CheckAsync();
            await tab.GetByLabel("Compare version 2").CheckAsync();
            await tab.GetByRole(AriaRole.Button, new() { Name = "Compare v1 and v2" }).ClickAsync();
            await Expect(tab.Locator(".qd-diff .added").First).ToContainTextAsync("second");
            await tab.ScreenshotAsync(new() { Path = Path.Combine(Pictures, "worker-versions.png"), FullPage = true });

            await tab.GetByRole(AriaRole.Button, new() { Name = "Roll back" }).ClickAsync();
            await Expect(tab.GetByText("v1 answers now.")).ToBeVisibleAsync();
            for (var i = 0; i < 20; i++) (await CallAsync(visitor, "/back")).ShouldContain("/back");

            await page.OpenAsync("/workers/harbour");
            await Expect(tab.GetByRole(AriaRole.Img, new() { NameRegex = new("^Requests") })).ToBeVisibleAsync();
            await tab.ScreenshotAsync(new() { Path = Path.Combine(Pictures, "worker-overview.png"), FullPage = true });

            await UploadAsync(page, Path.Combine(console.Data, "project"));
            await tab.RouteAsync("**/lib/monaco/**", route => route.AbortAsync());
            await page.OpenAsync("/workers/harbour/edit");
            var area = tab.Locator(".qd-code[data-editor=plain] textarea");
            await Expect(area).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("second"));
            await area.FillAsync("export default { fetch() { return new Response('plain\\n'); } }");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Deploy", Exact = true }).ClickAsync();
            await Expect(tab.GetByText("Version 3 answers now.")).ToBeVisibleAsync();
            (await CallAsync(visitor, "/plain")).ShouldBe("plain\n");
        }, console: console, expected: text => text.Contains("ERR_FAILED", StringComparison.Ordinal));
    }

    /// <summary>A project folder as wrangler makes it: TypeScript, a package that it needs, one that only its author needs, and a secret.</summary>
    private static async Task UploadAsync(ConsolePage page, string folder)
    {
        foreach (var (path, text) in new[]
        {
            ("wrangler.jsonc", "{ // as it is\n  \"name\": \"from-folder\", \"main\": \"src/index.ts\", \"compatibility_date\": \"2026-01-01\", \"vars\": { \"GREETING\": \"ahoy\" }, \"placement\": { \"mode\": \"smart\" } }"),
            ("package.json", "{ \"dependencies\": { \"loud\": \"1.0.0\" }, \"devDependencies\": { \"tool\": \"1.0.0\" } }"),
            ("src/index.ts", "import loud from 'loud';\nexport default { fetch(_: Request, env: { GREETING: string }): Response { return new Response(loud(env.GREETING)); } };"),
            ("node_modules/loud/package.json", "{ \"name\": \"loud\", \"version\": \"1.0.0\", \"main\": \"index.js\" }"), ("node_modules/loud/index.js", "module.exports = text => text.toUpperCase();"),
            ("node_modules/tool/package.json", "{ \"name\": \"tool\" }"), (".env", "PASSWORD=1"),
        })
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, text);
        }
        await page.OpenAsync("/workers/upload");
        await page.Page.Locator("#folder").SetInputFilesAsync(folder);
        await Expect(page.Page.GetByText("5 files")).ToBeVisibleAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Deploy", Exact = true }).ClickAsync();
        await Expect(page.Page.GetByText("Version 1 answers now.")).ToBeVisibleAsync();
        await Expect(page.Page.GetByText("placement")).ToBeVisibleAsync(); // what means nothing here is named
        await page.Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, "worker-upload-done.png"), FullPage = true });
        await page.OpenAsync("/workers/from-folder?tab=test");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await Expect(page.Page.Locator(".qd-answer")).ToHaveTextAsync("AHOY");
    }

    internal static async Task<Uri> FrontAsync(TestConsole console)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var front = console.App.Services.GetRequiredService<WorkerFront>();
        await front.OpenedAsync(limit.Token);
        return new Uri(front.Addresses[0]);
    }

    private static async Task<string> CallAsync(HttpClient visitor, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = "shop.example.test" } };
        using var answer = await visitor.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }
}
