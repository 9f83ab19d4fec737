using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Workers;

/// <summary>Buckets over REST and out of a wrangler project, in one console with real compute servers.</summary>
public sealed class BucketRestTests(RunningConsole shared) : IClassFixture<RunningConsole>
{
    private readonly HttpClient _rest = shared.Console.Rest;

    private async Task<string> RepositoryAsync() => (await _rest.GetFromJsonAsync<JsonElement>("/api/v1/repositories")).GetProperty("items")[0].GetProperty("id").GetString()!;

    private static async Task<JsonElement> FieldsAsync(HttpResponseMessage answer)
    {
        answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors");
    }

    [Fact]
    public async Task A_wrangler_project_writes_into_a_bucket_that_people_read_over_rest()
    {
        static MultipartFormDataContent Project() => new()
        {
            { new StringContent("name = \"gallery\"\nmain = \"index.js\"\ncompatibility_date = \"2026-01-01\"\nno_bundle = true\n[[r2_buckets]]\nbinding = \"B\"\nbucket_name = \"pictures\"\n"), "wrangler.toml", "wrangler.toml" },
            { new StringContent("export default { async fetch(request, env) { const put = await env.B.put('from/worker.txt', 'ahoy'); return new Response(put.etag + ' ' + await (await env.B.get('from/person.bin')).text()); } };"), "index.js", "index.js" },
        };
        (await FieldsAsync(await _rest.PostAsync("/api/v1/workers/projects", Project())))[0].GetProperty("remedy").GetString()!.ShouldContain("PUT /buckets/pictures");
        var repository = await RepositoryAsync();
        var made = await _rest.PutAsJsonAsync("/api/v1/buckets/pictures", new { repositoryId = repository, limitBytes = 1 << 20 });
        made.StatusCode.ShouldBe(HttpStatusCode.OK, await made.Content.ReadAsStringAsync());
        var body = new ByteArrayContent("from a person"u8.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("image/x-test") } };
        var put = await _rest.PutAsync("/api/v1/buckets/pictures/object?key=from%2Fperson.bin", body);
        put.StatusCode.ShouldBe(HttpStatusCode.OK, await put.Content.ReadAsStringAsync());
        (await _rest.PostAsync("/api/v1/workers/projects", Project())).StatusCode.ShouldBe(HttpStatusCode.Created);
        var trial = await _rest.PostAsJsonAsync("/api/v1/workers/gallery/trials", new { url = "http://a.test/" });
        (await trial.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("body").GetString().ShouldEndWith(" from a person");

        var root = await _rest.GetFromJsonAsync<JsonElement>("/api/v1/buckets/pictures/objects?delimiter=/");
        root.GetProperty("folders")[0].GetString().ShouldBe("from/");
        var inside = await _rest.GetFromJsonAsync<JsonElement>("/api/v1/buckets/pictures/objects?delimiter=/&prefix=from/&most=1");
        (inside.GetProperty("objects")[0].GetProperty("contentType").GetString(), inside.GetProperty("next").GetString()).ShouldBe(("image/x-test", "from/person.bin"));
        using var read = await _rest.GetAsync("/api/v1/buckets/pictures/object?key=from/worker.txt");
        (await read.Content.ReadAsStringAsync(), read.Content.Headers.ContentType!.MediaType, read.Content.Headers.ContentDisposition!.DispositionType).ShouldBe(("ahoy", "application/octet-stream", "attachment"));
        var bucket = await _rest.GetFromJsonAsync<JsonElement>("/api/v1/buckets/pictures");
        (bucket.GetProperty("objects").GetInt32(), bucket.GetProperty("usedBytes").GetInt32(), bucket.GetProperty("repository").GetString()).ShouldBe((2, 17, "Local"));

        // Its repository cannot be forgotten under it, and it goes only when it is empty.
        var forget = await _rest.DeleteAsync($"/api/v1/repositories/{repository}");
        (forget.StatusCode, (await forget.Content.ReadAsStringAsync()).Contains("pictures", StringComparison.Ordinal)).ShouldBe((HttpStatusCode.Conflict, true));
        (await _rest.DeleteAsync("/api/v1/buckets/pictures")).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        foreach (var key in (string[])["from/worker.txt", "from/person.bin"]) (await _rest.DeleteAsync($"/api/v1/buckets/pictures/object?key={key}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _rest.DeleteAsync("/api/v1/buckets/pictures")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        trial = await _rest.PostAsJsonAsync("/api/v1/workers/gallery/trials", new { url = "http://a.test/" });
        (await trial.Content.ReadAsStringAsync()).ShouldContain("The bucket 'pictures' was deleted.");
    }

    [Fact]
    public async Task What_is_wrong_with_a_bucket_or_an_object_is_told_by_field()
    {
        var repository = await RepositoryAsync();
        async Task Refused(Task<HttpResponseMessage> call, string field) => (await FieldsAsync(await call))[0].GetProperty("field").GetString().ShouldBe(field);
        await Refused(_rest.PutAsJsonAsync("/api/v1/buckets/a%20b", new { repositoryId = repository }), "name");
        await Refused(_rest.PutAsJsonAsync("/api/v1/buckets/plain", new { }), "repositoryId");
        await Refused(_rest.PutAsJsonAsync("/api/v1/buckets/plain", new { repositoryId = Guid.NewGuid() }), "repositoryId");
        await Refused(_rest.PutAsJsonAsync("/api/v1/buckets/plain", new { repositoryId = repository, limitBytes = 0 }), "limitBytes");
        (await _rest.PutAsJsonAsync("/api/v1/buckets/plain", new { repositoryId = repository, limitBytes = 10 })).StatusCode.ShouldBe(HttpStatusCode.OK);
        await Refused(_rest.PutAsJsonAsync("/api/v1/buckets/plain", new { repositoryId = Guid.NewGuid() }), "repositoryId");
        await Refused(_rest.PutAsync("/api/v1/buckets/plain/object", new StringContent("x")), "key");
        await Refused(_rest.PutAsync($"/api/v1/buckets/plain/object?key={new string('k', 1025)}", new StringContent("x")), "key");
        await Refused(_rest.GetAsync("/api/v1/buckets/plain/objects?most=0"), "most");
        (await _rest.PutAsync("/api/v1/buckets/plain/object?key=large", new StringContent(new string('x', 11)))).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await _rest.GetAsync("/api/v1/buckets/plain/object?key=large")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _rest.GetAsync("/api/v1/buckets/none")).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        // An object that is there stays where somebody meant a new one.
        async Task<HttpResponseMessage> PutNewAsync(string content)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, "/api/v1/buckets/plain/object?key=only") { Content = new StringContent(content), Headers = { IfNoneMatch = { EntityTagHeaderValue.Any } } };
            return await _rest.SendAsync(request);
        }
        (await PutNewAsync("one")).StatusCode.ShouldBe(HttpStatusCode.OK);
        var taken = await PutNewAsync("two");
        taken.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await taken.Content.ReadAsStringAsync()).ShouldContain("has an object 'only' already. Replace it, or take another key.");
        (await _rest.GetStringAsync("/api/v1/buckets/plain/object?key=only")).ShouldBe("one");
        // Ten bytes are allowed: in the place of three there is room for all of them.
        (await _rest.PutAsync("/api/v1/buckets/plain/object?key=only", new StringContent("0123456789"))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
