using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Tests.Web.Api;

[Collection("rest")]
public sealed class ConventionsTests(SharedConsole shared)
{
    private static readonly JsonSerializerOptions Json = Options();
    private readonly TestConsole _console = shared.Console;

    private enum Colour { Red, DarkBlue }

    private sealed record Item(string Name, Colour Colour, DateTimeOffset At, int? Size = null);

    private static JsonSerializerOptions Options()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        RestApi.Conventions(options);
        return options;
    }

    [Fact]
    public async Task An_unknown_address_is_401_without_a_token_and_404_with_one()
    {
        using var nobody = _console.Client(null);
        (await nobody.GetAsync("/api/v1/no-such-thing")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var answer = await _console.Rest.GetAsync("/api/v1/no-such-thing");
        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Fact]
    public async Task A_method_that_is_not_offered_is_405_and_names_those_that_are()
    {
        var answer = await _console.Rest.PutAsync("/api/v1/hosts", null);
        answer.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        answer.Content.Headers.Allow.Order().ShouldBe(["GET", "POST"]);
    }

    [Fact]
    public async Task A_page_s_cookie_opens_nothing_in_REST()
    {
        using var nobody = _console.Client(null);
        nobody.DefaultRequestHeaders.Add("Cookie", "qd-session=anything");
        (await nobody.GetAsync("/api/v1/hosts")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public void Enums_are_lower_case_words_and_times_are_utc() =>
        JsonSerializer.Serialize(new Item("a", Colour.DarkBlue, new DateTimeOffset(2026, 11, 22, 23, 0, 0, 250, TimeSpan.FromHours(2))), Json)
            .ShouldBe("""{"name":"a","colour":"darkblue","at":"2026-11-22T21:00:00.25Z","size":null}""");

    [Theory]
    [InlineData("""{"name":"a","colour":"red","at":"2026-11-22T21:00:00Z","sise":1}""", "sise", "name, colour, at, size")]
    [InlineData("""{"name":"a","colour":"green","at":"2026-11-22T21:00:00Z"}""", "colour", "red, darkblue")]
    [InlineData("""{"name":"a","colour":1,"at":"2026-11-22T21:00:00Z"}""", "colour", "red, darkblue")]
    [InlineData("""{"name":"a","colour":"red","at":"yesterday"}""", "at", "2026-")]
    [InlineData("""{"name":"a","colour":"red","at":"2026-11-22T21:00:00Z","size":"ten"}""", "size", "whole number")]
    [InlineData("""{"name":7,"colour":"red","at":"2026-11-22T21:00:00Z"}""", "name", "text")]
    [InlineData("""{"colour":"red","at":"2026-11-22T21:00:00Z"}""", "name", "Send it")]
    [InlineData("""{"name":"a","name":"b","colour":"red","at":"2026-11-22T21:00:00Z"}""", "name", "once")]
    [InlineData("[]", "body", "")]
    [InlineData("null", "body", "name, colour")]
    public void A_wrong_field_is_named_with_its_remedy(string body, string field, string remedy)
    {
        using var document = JsonDocument.Parse(body);
        var problem = BodyFields.Read<Item>(document.RootElement, Json).Problem.ShouldNotBeNull();
        problem.Kind.ShouldBe(ProblemKind.Invalid);
        problem.Errors[0].Field.ShouldBe(field);
        problem.Errors[0].Remedy.ShouldContain(remedy);
    }

    [Theory]
    [InlineData(ProblemKind.NotFound, 404)]
    [InlineData(ProblemKind.Invalid, 422)]
    [InlineData(ProblemKind.Forbidden, 403)]
    [InlineData(ProblemKind.Conflict, 409)]
    [InlineData(ProblemKind.Unavailable, 503)]
    [InlineData(ProblemKind.TooLarge, 413)]
    public void Every_kind_of_refusal_has_its_status(ProblemKind kind, int status) => Answers.Status(kind).ShouldBe(status);

    [Fact]
    public async Task Live_and_ready_need_no_token_and_ready_lists_its_dependencies()
    {
        using var nobody = _console.Client(null);
        (await nobody.GetFromJsonAsync<JsonElement>("/healthz/live")).GetProperty("status").GetString().ShouldBe("live");
        var answer = await nobody.GetAsync("/healthz/ready");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var ready = await answer.Content.ReadFromJsonAsync<JsonElement>();
        ready.GetProperty("status").GetString().ShouldBe("ready");
        ready.GetProperty("dependencies").EnumerateArray().ShouldContain(d => d.GetProperty("name").GetString() == "database" && d.GetProperty("state").GetString() == "ready");
    }

    [Fact]
    public async Task Metrics_are_prometheus_text()
    {
        using var nobody = _console.Client(null);
        var answer = await nobody.GetAsync("/metrics");
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/plain");
        var text = await answer.Content.ReadAsStringAsync();
        text.ShouldContain("# TYPE ");
        foreach (var line in text.Split('\n').Where(l => l.Length > 0 && l[0] != '#'))
            line.ShouldMatch(@"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? (NaN|[+-]?Inf|[-+0-9.eE]+)( \d+)?$");
    }

    [Fact]
    public async Task The_description_names_every_schema_it_uses()
    {
        using var nobody = _console.Client(null);
        var text = await nobody.GetStringAsync("/openapi/v1.json");
        using var document = JsonDocument.Parse(text);
        document.RootElement.GetProperty("openapi").GetString().ShouldStartWith("3.1");
        var schemas = document.RootElement.GetProperty("components").GetProperty("schemas").EnumerateObject().Select(s => "#/components/schemas/" + s.Name).ToHashSet();
        System.Text.RegularExpressions.Regex.Matches(text, "\"\\$ref\": ?\"(#/components/schemas/[^\"]+)\"").Select(m => m.Groups[1].Value).Distinct().ShouldBeSubsetOf(schemas);
    }
}
