using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Web.Workers;

namespace Quarterdeck.Tests.Web.Workers;

/// <summary>One console with real compute servers; each test uses names of its own.</summary>
public sealed class RunningConsole : IAsyncLifetime
{
    public TestConsole Console { get; private set; } = null!;

    public async Task InitializeAsync() => Console = await TestConsole.StartAsync(new Dictionary<string, string> { ["QUARTERDECK_WORKER_URLS"] = "http://127.0.0.1:0" });

    public async Task DisposeAsync() => await Console.DisposeAsync();
}

public sealed class WatchRestTests(RunningConsole shared) : IClassFixture<RunningConsole>
{
    private readonly TestConsole _console = shared.Console;

    private async Task PutAsync(string name, object metadata, params (string Name, string Text)[] modules)
    {
        var body = new MultipartFormDataContent { { JsonContent.Create(metadata), "metadata" } };
        foreach (var (module, text) in modules) body.Add(new StringContent(text), module, module);
        var answer = await _console.Rest.PutAsync($"/api/v1/workers/{name}", body);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
    }

    private async Task<JsonElement> TryAsync(string name, object trial)
    {
        var answer = await _console.Rest.PostAsJsonAsync($"/api/v1/workers/{name}/trials", trial);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    [Fact]
    public async Task A_trial_hands_back_status_headers_body_and_what_was_logged()
    {
        await PutAsync("trial-echo", new { }, ("index.js", """
            export default { async fetch(request) {
              console.error("got", request.method, new URL(request.url).pathname);
              return new Response(`${request.headers.get("x-colour")} ${await request.text()}`, { status: 418, headers: { "x-answer": "yes" } });
            } }
            """));
        var answer = await TryAsync("trial-echo", new { url = "http://shop.test/pay?x=1", method = "post", headers = new Dictionary<string, string> { ["X-Colour"] = "blue" }, body = "ahoy" });
        (answer.GetProperty("status").GetInt32(), answer.GetProperty("body").GetString()).ShouldBe((418, "blue ahoy"));
        answer.GetProperty("headers").EnumerateArray().ShouldContain(h => h.GetProperty("key").GetString() == "x-answer");
        answer.GetProperty("headers").EnumerateArray().ShouldNotContain(h => h.GetProperty("key").GetString()!.StartsWith("x-quarterdeck"));
        answer.GetProperty("run").GetProperty("lines")[0].GetProperty("text").GetString().ShouldBe("got POST /pay");
        answer.GetProperty("run").GetProperty("lines")[0].GetProperty("level").GetString().ShouldBe("error");
    }

    [Fact]
    public async Task A_trial_that_makes_no_sense_is_refused_by_field()
    {
        await PutAsync("trial-plain", new { }, ("index.js", "export default { fetch() { return new Response('x') } }"));
        foreach (var (field, trial) in (IReadOnlyList<(string, object)>)
        [
            ("url", new { url = "shop.test" }), ("url", new { url = "ftp://shop.test/" }), ("method", new { url = "http://a.test/", method = "GE T" }), ("version", new { url = "http://a.test/", version = 9 }),
            ("headers.host", new { url = "http://a.test/", headers = new { host = "b" } }), ("headers.x-quarterdeck-worker", new { url = "http://a.test/", headers = new Dictionary<string, string> { ["x-quarterdeck-worker"] = "1@1" } }),
            ("headers.a", new { url = "http://a.test/", headers = new { a = "b\r\nc: d" } }), ("body", new { url = "http://a.test/", body = "x" }),
        ])
        {
            var answer = await _console.Rest.PostAsJsonAsync("/api/v1/workers/trial-plain/trials", trial);
            answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity, field);
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateArray().ShouldContain(e => e.GetProperty("field").GetString() == field);
        }
        (await _console.Rest.PostAsJsonAsync("/api/v1/workers/nobody/trials", new { url = "http://a.test/" })).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_log_is_told_as_events_that_fit_the_filter()
    {
        await PutAsync("log-told", new { }, ("index.js", "export default { fetch(r) { if (new URL(r.url).pathname === '/bad') throw new TypeError('no such thing'); return new Response('ok') } }"));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var answer = await _console.Rest.GetAsync("/api/v1/workers/log-told/logs?outcome=failed", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(limit.Token));
        (await reader.ReadLineAsync(limit.Token)).ShouldBe(": the log is open");
        await TryAsync("log-told", new { url = "http://a.test/good" });
        await TryAsync("log-told", new { url = "http://a.test/bad" });
        string? line;
        do line = await reader.ReadLineAsync(limit.Token);
        while (line is not null && !line.StartsWith("data: ", StringComparison.Ordinal));
        var run = JsonDocument.Parse(line!["data: ".Length..]).RootElement;
        (run.GetProperty("url").GetString(), run.GetProperty("outcome").GetString()).ShouldBe(("http://a.test/bad", "exception"));
        run.GetProperty("exceptions")[0].GetProperty("message").GetString().ShouldBe("no such thing");
        (await _console.Rest.GetAsync("/api/v1/workers/log-told/logs?level=loud&outcome=odd")).StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await _console.Rest.GetAsync("/api/v1/workers/nobody/logs")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Compute_servers_are_listed_with_their_guard_and_walls()
    {
        await PutAsync("watch-servers", new { }, ("index.js", "export default { fetch() { return new Response('x') } }")); // the first worker starts the first of them
        JsonElement Items() => _console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/compute-servers").Result.GetProperty("items");
        await ComputeNode.Until(() => Items().GetArrayLength() > 0, "a compute server is listed");
        var one = Items()[0];
        one.GetProperty("tier").GetString().ShouldBe("shared");
        new[] { "active", "off" }.ShouldContain(one.GetProperty("guard").GetString());
        (one.GetProperty("guard").GetString() == "off").ShouldBe(one.GetProperty("guardReason").ValueKind is JsonValueKind.String);
        one.GetProperty("sandbox").GetProperty("noNewPrivileges").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);
        (await _console.Rest.GetAsync("/api/v1/workers/nobody/figures")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _console.Rest.GetAsync("/api/v1/workers/nobody/figures?range=year")).StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }

    public static TheoryData<string, string> Answers => new()
    {
        { "hello", "you asked for /x" }, { "api", "There is no such route" }, { "page", "Who are you?" }, { "websocket", "Connect with a WebSocket" }, { "cron", "Last run: not since" }, { "counter", "{\"visits\":" }, { "queue", "Queued /x" }, { "object", "{\"room\":\"x\",\"visits\":1}" }, { "files", "There is no x" }, { "typescript", "Hello from TypeScript, you asked for /x" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task A_starter_deploys_and_answers(string key, string expected)
    {
        if (Starters.All.Single(s => s.Key == key) is { WantsBucket: true })
        {
            var repositories = await _console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/repositories");
            (await _console.Rest.PutAsJsonAsync("/api/v1/buckets/starters", new { repositoryId = repositories.GetProperty("items")[0].GetProperty("id").GetString() })).StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        var starter = Starters.All.Single(s => s.Key == key).For("starter-" + key, "starters");
        await PutAsync("starter-" + key, new { mainModule = starter.Files[0].Name, bindings = starter.Bindings, triggers = starter.Triggers }, [.. starter.Files]);
        (await TryAsync("starter-" + key, new { url = "http://a.test/x" })).GetProperty("body").GetString()!.ShouldContain(expected);
    }
}
