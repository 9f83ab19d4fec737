using System.Net.Http.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>Makes a worker with two versions, a split and bindings, and a zone that leads to it, for the looks.</summary>
internal static class WorkerPages
{
    private const string Name = "prices-of-the-northern-branch-office-and-its-harbour";
    private const string Queue = "orders-of-the-northern-branch-office-and-its-harbour";
    private const string PriceBook = "import { DurableObject } from 'cloudflare:workers'; export class PriceBook extends DurableObject { page() { return this.ctx.storage.setAlarm(Date.now() + 86400000); } alarm() { } }\n";
    // Names of a dictionary stay as they are; those of an object would begin with a small letter.
    private static readonly Dictionary<string, object> Bindings = new() { ["GREETING"] = "ahoy", ["BOOKS"] = new { type = "durable_object", @class = "PriceBook" }, ["TOKEN"] = new { type = "secret", value = "not to be shown" } };
    private const string Bucket = "documents-of-the-northern-branch-office-and-its-harbour";
    private const string Zone = "prices.northern-branch-office.example.test";

    public static async Task<IReadOnlyList<(string Name, string Path)>> OfAsync(TestConsole console)
    {
        await PutAsync(console, PriceBook + "export default {\n  async fetch() {\n    return new Response('one');\n  },\n};\n");
        await PutAsync(console, PriceBook + "export default {\n  async fetch(request, env) {\n    await env.BOOKS.getByName('the price book of ' + request.url).page();\n    console.warn('asked for', request.url);\n    return new Response(env.GREETING);\n  },\n};\n");
        await SucceedAsync(console.Rest.PostAsJsonAsync($"/api/v1/workers/{Name}/deployments", new { versions = new[] { new { version = 1, percent = 90 }, new { version = 2, percent = 10 } }, reason = "a tenth of the visitors first" }));
        await SucceedAsync(console.Rest.PutAsJsonAsync($"/api/v1/zones/{Zone}", new { routes = new[] { new { pattern = "/*", worker = Name }, new { pattern = "/api/prices/*", worker = Name } } }));
        for (var i = 0; i < 3; i++) await TryAsync(console, $"https://{Zone}/api/prices/{i}");
        await SucceedAsync(console.Rest.PutAsJsonAsync($"/api/v1/queues/{Queue}", new { paused = true }));
        await SucceedAsync(console.Rest.PostAsJsonAsync($"/api/v1/queues/{Queue}/messages", new { messages = new object[] { new { body = new { order = 1, of = "the harbour office", lines = Enumerable.Range(0, 40) } }, new { body = "later", contentType = "text", delaySeconds = 3600 } } }));
        var repository = (await console.Rest.GetFromJsonAsync<System.Text.Json.JsonElement>("/api/v1/repositories")).GetProperty("items")[0].GetProperty("id").GetString();
        await SucceedAsync(console.Rest.PutAsJsonAsync($"/api/v1/buckets/{Bucket}", new { repositoryId = repository, limitBytes = 10L << 30 }));
        foreach (var key in (string[])["pictures/2026/a-quay-in-the-evening-light-seen-from-the-northern-branch-office.jpg", "pictures/logo.svg", "price-list-of-the-harbour-office-with-every-berth-and-every-crane-in-one-long-name-without-an-end.csv"])
            await SucceedAsync(console.Rest.PutAsync($"/api/v1/buckets/{Bucket}/object?key={key}", new StringContent(key)));
        return
        [
            ("bucket", $"/buckets/{Bucket}"),
            ("queue", $"/queues/{Queue}"), ("queue-settings", $"/queues/{Queue}?tab=settings"),
            ("worker", $"/workers/{Name}"), .. new[] { "versions", "objects", "settings" }.Select(tab => ($"worker-{tab}", $"/workers/{Name}?tab={tab}")), ("worker-edit", $"/workers/{Name}/edit"),
            ("zone", $"/zones/{Zone}"),
        ];
    }

    private static Task PutAsync(TestConsole console, string code) => SucceedAsync(console.Rest.PutAsync($"/api/v1/workers/{Name}", new MultipartFormDataContent
    {
        { JsonContent.Create(new { mainModule = "index.js", bindings = Bindings }), "metadata" },
        { new StringContent(code), "index.js", "index.js" },
    }));

    // A trial whose worker failed has succeeded, too.
    private static async Task TryAsync(TestConsole console, string url)
    {
        using var answer = await console.Rest.PostAsJsonAsync($"/api/v1/workers/{Name}/trials", new { url, version = 2 });
        var tried = await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>();
        if (!answer.IsSuccessStatusCode || tried.GetProperty("body").GetString() != "ahoy") throw new InvalidOperationException(tried.ToString());
    }

    private static async Task SucceedAsync(Task<HttpResponseMessage> call)
    {
        using var answer = await call;
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }
}
