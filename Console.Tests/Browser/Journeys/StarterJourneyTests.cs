using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>Somebody begins with a starter: the editor knows what its env holds, and complains of nothing that is right.</summary>
[Collection("browser")]
public sealed class StarterJourneyTests(BrowserRun browser)
{
    // The editor's own TypeScript, as it underlines the code.
    private const string Complaints = """
        async text => {
          const model = monaco.editor.getModels()[0];
          if (text) model.setValue(text);
          const worker = await (await monaco.languages.typescript.getJavaScriptWorker())(model.uri);
          return JSON.stringify([...await worker.getSyntacticDiagnostics(model.uri.toString()), ...await worker.getSemanticDiagnostics(model.uri.toString())]
            .filter(d => ![2307, 2354, 7016, 7044, 80001, 80005, 80007].includes(d.code)).map(d => d.messageText.messageText ?? d.messageText));
        }
        """;

    [Theory, Trait("Category", "Long")]
    [InlineData("queue", "env.JOBS.sned(1)", "Property 'sned' does not exist on type 'Queue<unknown>'.")]
    [InlineData("object", "env.ROOMS.getByName('a').leave()", "Property 'leave' does not exist")]
    [InlineData("files", "env.FILES.fetch('a')", "Property 'fetch' does not exist on type 'R2Bucket'.")]
    public async Task The_editor_knows_the_bindings_of_a_starter(string key, string wrong, string complaint)
    {
        var repository = (await browser.Console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/repositories")).GetProperty("items")[0].GetProperty("id").GetString();
        (await browser.Console.Rest.PutAsJsonAsync("/api/v1/buckets/for-starters", new { repositoryId = repository })).IsSuccessStatusCode.ShouldBeTrue();
        await browser.RunAsync("starter-" + key, async page =>
        {
            var tab = page.Page;
            await page.OpenAsync($"/workers/new?starter={key}");
            await Expect(tab.Locator(".qd-code[data-editor=rich] .view-lines")).ToContainTextAsync("ExportedHandler");
            if (key == "files") await Expect(tab.GetByLabel("Bucket", new() { Exact = true })).ToBeVisibleAsync();
            (await tab.EvaluateAsync<string>(Complaints, "")).ShouldBe("[]");
            await tab.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "screenshots", $"starter-{key}.png"), FullPage = true });
            var text = await tab.EvaluateAsync<string>("() => monaco.editor.getModels()[0].getValue()");
            (await tab.EvaluateAsync<string>(Complaints, text.Replace("async fetch(request, env) {", $"async fetch(request, env) {{ {wrong};", StringComparison.Ordinal))).ShouldContain(complaint);
        }, trace: false);
    }
}
