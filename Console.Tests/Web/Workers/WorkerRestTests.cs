using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Web.Workers;

/// <summary>One console for the REST tests of definitions, without a runtime that tries code; each test uses names of its own.</summary>
public sealed class DefinitionsConsole : IAsyncLifetime
{
    public TestConsole Console { get; private set; } = null!;

    public async Task InitializeAsync() => Console = await TestConsole.StartAsync(
        new Dictionary<string, string> { ["QUARTERDECK_WORKER_URLS"] = "http://127.0.0.1:0" }, builder => builder.Services.RemoveAll<IStartupCheck>());

    public async Task DisposeAsync() => await Console.DisposeAsync();
}

public sealed class WorkerRestTests(DefinitionsConsole shared) : IClassFixture<DefinitionsConsole>
{
    private const string Hello = "export default { fetch() { return new Response('hello') } }";
    private readonly TestConsole _console = shared.Console;

    private static MultipartFormDataContent Upload(object? metadata, params (string Name, string Content)[] modules)
    {
        var body = new MultipartFormDataContent();
        if (metadata is not null) body.Add(new StringContent(JsonSerializer.Serialize(metadata), Encoding.UTF8, "application/json"), "metadata");
        foreach (var (name, content) in modules) body.Add(new ByteArrayContent(Encoding.UTF8.GetBytes(content)), name, Path.GetFileName(name));
        return body;
    }

    private async Task<JsonElement> PutAsync(string name, object metadata, string query = "", string script = Hello)
    {
        var answer = await _console.Rest.PutAsync($"/api/v1/workers/{name}{query}", Upload(metadata, ("index.js", script)));
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private Task<JsonElement> GetAsync(string path) => _console.Rest.GetFromJsonAsync<JsonElement>("/api/v1" + path);

    private static async Task RefusedAsync(HttpResponseMessage answer, string field)
    {
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity, text);
        var error = JsonDocument.Parse(text).RootElement.GetProperty("errors").EnumerateArray().FirstOrDefault(e => e.GetProperty("field").GetString() == field);
        error.ValueKind.ShouldBe(JsonValueKind.Object, text);
        error.GetProperty("remedy").GetString().ShouldNotBeNullOrWhiteSpace();
    }

    [Fact]
    public async Task Code_is_sent_in_deployed_split_compared_and_rolled_back()
    {
        var made = await PutAsync("rest-shop", new { mainModule = "index.js", compatibilityDate = "2026-01-01", bindings = new { GREETING = "ahoy" }, limits = new { cpuMs = 120, memoryMiB = 64, wallMs = 5000, subrequests = 10 } });
        made.GetProperty("name").GetString().ShouldBe("rest-shop");
        made.GetProperty("version").GetInt32().ShouldBe(1);
        (await PutAsync("rest-shop", new { mainModule = "index.js" }, "?deploy=false", "export default { fetch() { return new Response('two') } }")).GetProperty("deployed").GetBoolean().ShouldBeFalse();
        var worker = await GetAsync("/workers/rest-shop");
        worker.GetProperty("tier").GetString().ShouldBe("shared");
        worker.GetProperty("latestVersion").GetInt32().ShouldBe(2);
        worker.GetProperty("deployment").GetProperty("versions")[0].GetProperty("version").GetInt32().ShouldBe(1);
        (await GetAsync("/workers/rest-shop/versions")).GetProperty("items").EnumerateArray().Select(v => v.GetProperty("version").GetInt32()).ShouldBe([2, 1]);
        (await GetAsync("/workers/rest-shop/versions/1/modules"))[0].GetProperty("text").GetString().ShouldBe(Hello);
        var diff = await GetAsync("/workers/rest-shop/versions/2/diff");
        diff.GetProperty("modules")[0].GetProperty("lines").EnumerateArray().Select(l => l.GetProperty("mark").GetString()).ShouldBe(["-", "+"]);

        var split = await _console.Rest.PostAsJsonAsync("/api/v1/workers/rest-shop/deployments", new { versions = new[] { new { version = 1, percent = 50 }, new { version = 2, percent = 50 } }, sticky = new { by = "header", name = "x-user" } });
        split.StatusCode.ShouldBe(HttpStatusCode.Created, await split.Content.ReadAsStringAsync());
        var back = await _console.Rest.PostAsync("/api/v1/workers/rest-shop/actions/rollback", null);
        (await back.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("versions")[0].GetProperty("percent").GetInt32().ShouldBe(100);
        (await GetAsync("/workers/rest-shop/deployments")).GetProperty("total").GetInt32().ShouldBe(3);
        var table = _console.App.Services.GetRequiredService<WorkerTable>().Current.ByName("rest-shop")!;
        (table.Versions.Single().Limits.CpuMs, table.Versions.Single().Limits.WallMs).ShouldBe((120, 5000));
        (await _console.Rest.DeleteAsync("/api/v1/workers/rest-shop")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _console.Rest.GetAsync("/api/v1/workers/rest-shop")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Wrong_code_and_metadata_are_refused_by_field_and_make_nothing()
    {
        await Try("name", Upload(new { }, ("index.js", Hello)), "Not A Name");
        await Try("metadata", Upload(null, ("index.js", Hello)));
        await Try("mainModule", Upload(new { mainModule = "other.js" }, ("index.js", Hello)));
        await Try("mainModule", Upload(new { }, ("a.js", Hello), ("b.js", Hello)));
        await Try("mainModule", Upload(new { mainModule = "a.txt" }, ("a.txt", "x")));
        await Try("modules[a.exe]", Upload(new { }, ("index.js", Hello), ("a.exe", "x")));
        await Try("modules[../a.js]", Upload(new { }, ("index.js", Hello), ("../a.js", "x")));
        await Try("modules[a.json]", Upload(new { }, ("index.js", Hello), ("a.json", "{")));
        await Try("modules[a.wasm]", Upload(new { }, ("index.js", Hello), ("a.wasm", "x")));
        await Try("modules", Upload(new { limits = new { codeBytes = 10 } }, ("index.js", Hello)));
        await Try("compatibilityDate", Upload(new { compatibilityDate = "2099-01-01" }, ("index.js", Hello)));
        await Try("compatibilityDate", Upload(new { compatibilityDate = "soon" }, ("index.js", Hello)));
        await Try("compatibilityFlags", Upload(new { compatibilityFlags = new[] { "experimental" } }, ("index.js", Hello)));
        await Try("limits.cpuMs", Upload(new { limits = new { cpuMs = 299_999 } }, ("index.js", Hello)));
        await Try("limits.memoryMiB", Upload(new { limits = new { memoryMiB = 0 } }, ("index.js", Hello)));
        await Try("bindings.1A", Upload(new { bindings = new Dictionary<string, string> { ["1A"] = "x" } }, ("index.js", Hello)));
        await Try("bindings.A", Upload(new { bindings = new { A = new { value = 1 } } }, ("index.js", Hello)));
        await Try("bindings.A.type", Upload(new { bindings = new { A = new { type = "d1" } } }, ("index.js", Hello)));
        await Try("bindings.A.namespace", Upload(new { bindings = new { A = new { type = "kv" } } }, ("index.js", Hello)));
        await Try("bindings.A.worker", Upload(new { bindings = new { A = new { type = "service", worker = "nobody" } } }, ("index.js", Hello)));
        await Try("bindings.A.value", Upload(new { bindings = new { A = new { type = "secret" } } }, ("index.js", Hello)));
        await Try("triggers.crons[0]", Upload(new { triggers = new { crons = new[] { "often" }, queues = Array.Empty<object>() } }, ("index.js", Hello)));
        await Try("egress[0]", Upload(new { egress = new[] { "http://x/" } }, ("index.js", Hello)));
        await Try("healthPath", Upload(new { healthPath = "health" }, ("index.js", Hello)));
        await Try("assets.notFound", Upload(new { assets = new { notFound = "singlepage" } }, ("index.js", Hello)));
        await Try("nonsense", Upload(new { nonsense = 1 }, ("index.js", Hello)));
        (await _console.Rest.GetAsync("/api/v1/workers/rest-wrong")).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        (await _console.Rest.PutAsync("/api/v1/workers/rest-wrong", new StringContent("{}", Encoding.UTF8, "application/json"))).StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        (await _console.Rest.PutAsync("/api/v1/workers/rest-wrong", new StringContent("--x\r\nbroken", Encoding.UTF8, "multipart/form-data") { Headers = { ContentType = new("multipart/form-data") { Parameters = { new("boundary", "x") } } } }))
            .StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        async Task Try(string field, HttpContent body, string name = "rest-wrong") => await RefusedAsync(await _console.Rest.PutAsync($"/api/v1/workers/{Uri.EscapeDataString(name)}", body), field);
    }

    [Fact]
    public async Task A_zone_routes_by_the_most_specific_pattern_and_refuses_what_is_ambiguous()
    {
        await PutAsync("rest-front", new { });
        await PutAsync("rest-api", new { });
        var answer = await _console.Rest.PutAsJsonAsync("/api/v1/zones/Shop.Example.", new
        {
            routes = new[] { new { pattern = "shop.example/*", worker = "rest-front" }, new { pattern = "/api/*", worker = "rest-api" }, new { pattern = "/api/about", worker = "rest-front" } },
        });
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var table = _console.App.Services.GetRequiredService<WorkerTable>().Current;
        var zone = table.ZoneOf("SHOP.example")!;
        foreach (var (path, worker) in new[] { ("/", "rest-front"), ("/x", "rest-front"), ("/api/x", "rest-api"), ("/api/about", "rest-front"), ("/api/about/x", "rest-api"), ("/api", "rest-front"), ("/API/x", "rest-front") })
            table.Match(zone, path)!.Name.ShouldBe(worker, path);
        var shown = await GetAsync("/zones/shop.example");
        shown.GetProperty("routes").GetArrayLength().ShouldBe(3);
        (await _console.Rest.PutAsJsonAsync("/api/v1/zones/*.wild.example", new { routes = new[] { new { pattern = "*", worker = "rest-api" } } })).StatusCode.ShouldBe(HttpStatusCode.OK);
        table = _console.App.Services.GetRequiredService<WorkerTable>().Current;
        table.ZoneOf("a.b.wild.example")!.Hostname.ShouldBe("*.wild.example");
        table.ZoneOf("wild.example").ShouldBeNull();

        await Try("hostname", "127.0.0.1");
        await Try("hostname", "localhost");
        await Try("hostname", "shop.example:80");
        await Try("hostname", "a..b");
        await Try("routes[0].pattern", "bad.example", "api");
        await Try("routes[0].pattern", "bad.example", "/a*b");
        await Try("routes[0].pattern", "bad.example", "/a?b");
        await Try("routes[0].pattern", "bad.example", "/a/../b");
        await Try("routes[1].pattern", "bad.example", "/a/*", "bad.example/a/*");
        await RefusedAsync(await _console.Rest.PutAsJsonAsync("/api/v1/zones/bad.example", new { routes = new[] { new { pattern = "/*", worker = "nobody" } } }), "routes[0].worker");
        (await _console.Rest.GetAsync("/api/v1/zones/bad.example")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _console.Rest.DeleteAsync("/api/v1/zones/shop.example")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        _console.App.Services.GetRequiredService<WorkerTable>().Current.ZoneOf("shop.example").ShouldBeNull();

        async Task Try(string field, string host, params string[] patterns) =>
            await RefusedAsync(await _console.Rest.PutAsJsonAsync($"/api/v1/zones/{host}", new { routes = (patterns.Length == 0 ? ["/*"] : patterns).Select(p => new { pattern = p, worker = "rest-front" }) }), field);
    }

    [Fact]
    public async Task A_lowered_ceiling_reaches_what_runs_and_what_is_sent_in()
    {
        await PutAsync("rest-limits", new { limits = new { subrequests = 40 } });
        var policy = System.Text.Json.Nodes.JsonNode.Parse(await _console.Rest.GetStringAsync("/api/v1/worker-policy"))!;
        var before = policy.ToJsonString();
        policy["ceilings"]!["subrequests"] = 7;
        await RefusedAsync(await _console.Rest.PutAsJsonAsync("/api/v1/worker-policy", policy), "defaults.subrequests");
        policy["defaults"]!["subrequests"] = 5;
        (await _console.Rest.PutAsJsonAsync("/api/v1/worker-policy", policy)).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _console.App.Services.GetRequiredService<WorkerTable>().WaitForAsync(t => t.ByName("rest-limits")!.Versions[0].Limits.Subrequests == 7, limit.Token);
        await RefusedAsync(await _console.Rest.PutAsync("/api/v1/workers/rest-limits", Upload(new { limits = new { subrequests = 8 } }, ("index.js", Hello))), "limits.subrequests");
        (await _console.Rest.PutAsync("/api/v1/worker-policy", new StringContent(before, Encoding.UTF8, "application/json"))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Static_files_alone_make_a_worker()
    {
        var answer = await _console.Rest.PutAsync("/api/v1/workers/rest-site", Upload(new { assets = new { notFound = "page404" } }, ("assets/index.html", "<h1>hi</h1>"), ("assets/img/a.svg", "<svg/>")));
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        var assets = _console.App.Services.GetRequiredService<WorkerTable>().Current.ByName("rest-site")!.Versions.Single().Assets!;
        assets.Files.Keys.ShouldBe(["/img/a.svg", "/index.html"], ignoreOrder: true);
        assets.Files["/img/a.svg"].ContentType.ShouldBe("image/svg+xml");
        Encoding.UTF8.GetString((await _console.App.Services.GetRequiredService<WorkerCodeStore>().LoadAssetAsync(assets.Files["/index.html"].Digest, default))!.Value.Span).ShouldBe("<h1>hi</h1>");
    }

    [Fact]
    public async Task Viewers_look_operators_deploy_and_administrators_own_zones()
    {
        await PutAsync("rest-roles", new { });
        foreach (var (role, put, zone) in new[] { ("viewer", HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), ("operator", HttpStatusCode.Created, HttpStatusCode.Forbidden), ("administrator", HttpStatusCode.Created, HttpStatusCode.OK) })
        {
            var token = await (await _console.Rest.PostAsJsonAsync("/api/v1/tokens", new { name = "rest-" + role, role })).Content.ReadFromJsonAsync<JsonElement>();
            using var client = _console.Client(token.GetProperty("token").GetString());
            (await client.GetAsync("/api/v1/workers/rest-roles")).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await client.PutAsync("/api/v1/workers/rest-roles", Upload(new { }, ("index.js", Hello)))).StatusCode.ShouldBe(put, role);
            (await client.PutAsJsonAsync("/api/v1/zones/roles.example", new { routes = Array.Empty<object>() })).StatusCode.ShouldBe(zone, role);
        }
    }

    [Fact]
    public async Task A_worker_is_moved_between_tiers_by_hand_and_tells_its_steps()
    {
        await PutAsync("rest-tiers", new { mainModule = "index.js" });
        var moved = await _console.Rest.PostAsJsonAsync("/api/v1/workers/rest-tiers/actions/move", new { tier = "cordon", reason = "looks odd" });
        moved.StatusCode.ShouldBe(HttpStatusCode.OK, await moved.Content.ReadAsStringAsync());
        (await GetAsync("/workers/rest-tiers")).GetProperty("tierReason").GetString().ShouldBe("looks odd");
        var steps = await GetAsync("/workers/rest-tiers/tiers");
        (steps[0].GetProperty("from").GetString(), steps[0].GetProperty("to").GetString()).ShouldBe(("shared", "cordon"));
        await RefusedAsync(await _console.Rest.PostAsJsonAsync("/api/v1/workers/rest-tiers/actions/move", new { reason = "nowhere" }), "tier");
        (await _console.Rest.PostAsJsonAsync("/api/v1/workers/rest-nobody/actions/move", new { tier = "off" })).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }
}
