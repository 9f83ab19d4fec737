using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Api;

/// <summary>Holds every endpoint in the OpenAPI document to the conventions, whoever wrote it.</summary>
[Collection("rest")]
public sealed class EveryEndpointTests(SharedConsole shared)
{
    private readonly TestConsole _console = shared.Console;

    private sealed record Call(string Method, string Path, JsonElement Operation)
    {
        public bool HasJsonBody => Operation.TryGetProperty("requestBody", out var body) && body.GetProperty("content").TryGetProperty("application/json", out _);

        public bool NamesObject => Path.Contains("{id}", StringComparison.Ordinal);

        /// <summary>An address with ids that no object has.</summary>
        public string Address => System.Text.RegularExpressions.Regex.Replace(Path, @"\{[^}]+\}", m => m.Value is "{id}" ? Guid.NewGuid().ToString() : "unknown");

        public override string ToString() => $"{Method} {Path}";
    }

    [Fact]
    public async Task Without_a_token_every_endpoint_answers_401_and_reads_nothing()
    {
        using var nobody = _console.Client(null);
        await EachAsync(_ => true, async call =>
        {
            var answer = await SendAsync(nobody, call, new StringContent("{ broken", Encoding.UTF8, "text/plain"));
            answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            answer.Headers.WwwAuthenticate.ToString().ShouldStartWith("Bearer");
            await ProblemAsync(answer);
        });
    }

    [Fact]
    public async Task A_viewer_s_token_gets_403_from_what_needs_more_before_the_body_is_looked_at()
    {
        using var viewer = await ViewerAsync();
        await EachAsync(c => c.Operation.TryGetProperty("description", out var d) && !d.GetString()!.Contains("(role viewer", StringComparison.Ordinal), async call =>
        {
            var answer = await SendAsync(viewer, call, new StringContent("{ broken", Encoding.UTF8, "text/plain"));
            answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            (await ProblemAsync(answer)).GetProperty("detail").GetString().ShouldNotBeNullOrWhiteSpace();
        });
    }

    [Fact]
    public async Task An_unknown_object_is_404_before_its_body_is_looked_at() => await EachAsync(c => c.NamesObject && !c.Path.StartsWith("/api/v1/me/", StringComparison.Ordinal), async call =>
    // the token of the settings belongs to no user, so it has no /me
    {
        var answer = await SendAsync(_console.Rest, call, call.HasJsonBody ? new StringContent("{ broken", Encoding.UTF8, "text/plain") : null);
        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await ProblemAsync(answer);
    });

    [Fact]
    public async Task A_body_of_another_type_is_415_too_large_413_malformed_400_and_an_unknown_field_422() => await EachAsync(c => c.HasJsonBody && !c.Path.Contains('{'), async call =>
    {
        (await StatusAsync(new StringContent("name=x", Encoding.UTF8, "application/x-www-form-urlencoded"))).ShouldBe(415);
        (await StatusAsync(new StringContent("{\"name\":", Encoding.UTF8, "application/json"))).ShouldBe(400);
        (await StatusAsync(new StringContent($"{{\"name\":\"{new string('x', 2 << 20)}\"}}", Encoding.UTF8, "application/json"))).ShouldBe(413);
        var unknown = await SendAsync(_console.Rest, call, new StringContent("{\"noSuchField\":1}", Encoding.UTF8, "application/json"));
        ((int)unknown.StatusCode).ShouldBe(422);
        var error = (await ProblemAsync(unknown)).GetProperty("errors")[0];
        error.GetProperty("field").GetString().ShouldNotBeNullOrEmpty();
        error.GetProperty("message").GetString().ShouldNotBeNullOrEmpty();
        error.GetProperty("remedy").GetString().ShouldNotBeNullOrEmpty();

        async Task<int> StatusAsync(HttpContent body)
        {
            var answer = await SendAsync(_console.Rest, call, body);
            await ProblemAsync(answer);
            return (int)answer.StatusCode;
        }
    });

    [Fact]
    public async Task Every_list_pages_sorts_and_refuses_nonsense_by_name() => await EachAsync(IsList, async call =>
    {
        foreach (var (query, field) in new[] { ("pageSize=501", "pageSize"), ("pageSize=0", "pageSize"), ("page=0", "page"), ("page=x", "page"), ("sort=noSuchField", "sort"), ("search=" + new string('x', 300), "search") })
        {
            var answer = await _console.Rest.GetAsync($"{call.Path}?{query}");
            ((int)answer.StatusCode).ShouldBe(422, query);
            (await ProblemAsync(answer)).GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe(field);
        }
        var list = await _console.Rest.GetFromJsonAsync<JsonElement>($"{call.Path}?pageSize=1");
        list.EnumerateObject().Select(p => p.Name).ShouldBe(["items", "total", "page", "pageSize"]);
        list.GetProperty("pageSize").GetInt32().ShouldBe(1);
    });

    [Fact]
    public async Task Every_endpoint_says_what_it_does_needs_and_answers()
    {
        var ids = new HashSet<string>();
        await EachAsync(_ => true, call =>
        {
            call.Operation.GetProperty("summary").GetString().ShouldNotBeNullOrWhiteSpace();
            ids.Add(call.Operation.GetProperty("operationId").GetString()!).ShouldBeTrue("the operationId is used twice");
            var answers = call.Operation.GetProperty("responses").EnumerateObject().Select(r => r.Name).ToArray();
            answers.ShouldContain(s => s[0] == '2');
            answers.ShouldContain("401");
            return Task.CompletedTask;
        });
        ids.Count.ShouldBeGreaterThan(20);
    }

    private static bool IsList(Call call) => call.Method == "GET" && !call.Path.Contains('{')
        && call.Operation.TryGetProperty("parameters", out var parameters) && parameters.EnumerateArray().Any(p => p.GetProperty("name").GetString() == "pageSize");

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, Call call, HttpContent? body) =>
        client.SendAsync(new HttpRequestMessage(new HttpMethod(call.Method), call.Address) { Content = call.Method is "GET" ? null : body });

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer)
    {
        answer.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        body.GetProperty("title").GetString().ShouldNotBeNullOrWhiteSpace();
        body.GetProperty("detail").GetString().ShouldNotBeNullOrWhiteSpace();
        body.GetProperty("status").GetInt32().ShouldBe((int)answer.StatusCode);
        return body;
    }

    private async Task EachAsync(Func<Call, bool> which, Func<Call, Task> check)
    {
        var document = await _console.Client(null).GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var calls = document.GetProperty("paths").EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => new Call(o.Name.ToUpperInvariant(), p.Name, o.Value))).Where(which).ToArray();
        calls.ShouldNotBeEmpty();
        var failures = new List<string>();
        foreach (var call in calls)
        {
            try { await check(call); }
            catch (Exception e) { failures.Add($"{call}: {string.Join(' ', e.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))}"); }
        }
        failures.ShouldBeEmpty();
    }

    private async Task<HttpClient> ViewerAsync()
    {
        var answer = await _console.Rest.PostAsJsonAsync("/api/v1/tokens", new { name = "viewer-" + Guid.NewGuid().ToString("N")[..8], role = "viewer" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        return _console.Client((await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString());
    }
}
