using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.House;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Api;

namespace Quarterdeck.Tests.Web.Plugins;

[Collection("rest")]
public sealed class ValidationTests(SharedConsole shared)
{
    private readonly TestConsole _console = shared.Console;

    private async Task<(HttpStatusCode Status, JsonElement Body)> ValidateAsync(byte[] package)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(package), "file", "probe.ova" } };
        using var answer = await _console.Rest.PostAsync("/api/v1/plugins/validate", form);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>());
    }

    [Fact]
    public async Task A_package_is_checked_over_REST_and_a_bad_one_is_an_answer_too()
    {
        var good = await ValidateAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build());
        var bad = await ValidateAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin.Replace("\"Example\"", "7") }.Build());

        (good.Status, good.Body.GetProperty("valid").GetBoolean(), good.Body.GetProperty("key").GetString()).ShouldBe((HttpStatusCode.OK, true, "org.example.probe"));
        (bad.Status, bad.Body.GetProperty("valid").GetBoolean()).ShouldBe((HttpStatusCode.OK, false));
        bad.Body.GetProperty("findings")[0].ShouldSatisfyAllConditions(
            f => f.GetProperty("level").GetString().ShouldBe("problem"), f => f.GetProperty("file").GetString().ShouldBe("quarterdeck-plugin.json"), f => f.GetProperty("member").GetString().ShouldBe("vendor"));
        (await _console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/plugins")).GetProperty("items").EnumerateArray().ShouldNotContain(p => p.GetProperty("key").GetString() == "org.example.probe");
    }

    [Fact]
    public async Task The_schema_is_served_to_everybody_as_it_is_documented()
    {
        using var anyone = new HttpClient { BaseAddress = _console.Rest.BaseAddress };
        using var answer = await anyone.GetAsync("/schemas/quarterdeck-plugin.schema.json");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/schema+json");
        (await answer.Content.ReadAsStringAsync()).ShouldBe(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "formats", "quarterdeck-plugin.schema.json")));
    }
}
