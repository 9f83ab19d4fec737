using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Repositories;

/// <summary>One console for all tests of a class; each test uses folders and names of its own.</summary>
public sealed class RepositoryConsole : IAsyncLifetime
{
    public TestConsole Console { get; private set; } = null!;

    public async Task InitializeAsync() => Console = await TestConsole.StartAsync();

    public async Task DisposeAsync() => await Console.DisposeAsync();
}

public sealed class RepositoryRestTests(RepositoryConsole shared) : IClassFixture<RepositoryConsole>
{
    private readonly TestConsole _console = shared.Console;

    private string Folder(string name) => Path.Combine(_console.Data, name);

    private async Task<JsonElement> AddAsync(object body)
    {
        var answer = await _console.Rest.PostAsJsonAsync("/api/v1/repositories", body);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    [Fact]
    public async Task A_first_repository_is_there_and_ready_says_so()
    {
        JsonElement ready = default;
        for (var i = 0; i < 300; i++)
        {
            var answer = await _console.Rest.GetAsync("/healthz/ready");
            ready = await answer.Content.ReadFromJsonAsync<JsonElement>();
            if (answer.IsSuccessStatusCode) break;
            await Task.Delay(100);
        }
        ready.GetProperty("dependencies").EnumerateArray().Single(d => d.GetProperty("name").GetString() == "repository:Local").GetProperty("state").GetString().ShouldBe("ready");
        var list = await _console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/repositories");
        var local = list.GetProperty("items").EnumerateArray().Single(r => r.GetProperty("name").GetString() == "Local");
        local.GetProperty("kind").GetString().ShouldBe("local");
        local.GetProperty("location").GetString().ShouldBe(Folder("repository"));
        local.GetProperty("encrypted").GetBoolean().ShouldBeFalse();
        local.GetProperty("state").GetString().ShouldBe("ready");
        local.TryGetProperty("key", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_forgotten_encrypted_repository_is_adopted_with_its_points_by_its_key_alone()
    {
        var added = await AddAsync(new { name = "Vault", kind = "local", location = Folder("vault"), encrypted = true });
        var key = added.GetProperty("key").GetString()!;
        added.GetProperty("adopted").GetBoolean().ShouldBeFalse();
        var id = added.GetProperty("id").GetGuid();
        (await _console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/repositories/{id}/key")).GetProperty("key").GetString().ShouldBe(key);
        await using (var session = await Repository.OpenAsync(
            await Quarterdeck.Repositories.Format.RepositoryFiles.OpenAsync(new Quarterdeck.Repositories.Objects.LocalStore(Folder("vault")), RepositoryKey.Parse(key), default), "test", null, TimeProvider.System, default))
            await session.CommitPointAsync(TestRepository.Point(default, 5 << 20), default);

        (await _console.Rest.DeleteAsync($"/api/v1/repositories/{id}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _console.Rest.GetAsync($"/api/v1/repositories/{id}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        await RefusedAsync(new { name = "Again", kind = "local", location = Folder("vault") }, "key");
        await RefusedAsync(new { name = "Again", kind = "local", location = Folder("vault"), key = RepositoryKey.New().ToString() }, "key");
        await RefusedAsync(new { name = "Again", kind = "local", location = Folder("vault"), key = key[..^1] + (key[^1] == '0' ? '1' : '0') }, "key");
        var adopted = await AddAsync(new { name = "Again", kind = "local", location = Folder("vault"), key = key.ToLowerInvariant().Replace("-", " ") });
        adopted.GetProperty("adopted").GetBoolean().ShouldBeTrue();
        adopted.GetProperty("encrypted").GetBoolean().ShouldBeTrue();
        adopted.GetProperty("points").GetInt32().ShouldBe(1);
        adopted.GetProperty("logicalBytes").GetInt64().ShouldBe(5 << 20);
    }

    private async Task RefusedAsync(object body, string field)
    {
        var answer = await _console.Rest.PostAsJsonAsync("/api/v1/repositories", body);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity, text);
        JsonDocument.Parse(text).RootElement.GetProperty("errors").EnumerateArray().ShouldContain(e => e.GetProperty("field").GetString() == field, text);
    }

    [Fact]
    public async Task Wrong_requests_are_refused_by_field_before_anything_is_made()
    {
        await RefusedAsync(new { name = "", kind = "local", location = Folder("a") }, "name");
        await RefusedAsync(new { name = "A", kind = "local", location = "relative" }, "location");
        await RefusedAsync(new { name = "A", kind = "local", location = "/" }, "location");
        await RefusedAsync(new { name = "A", kind = "local", location = Folder("no/such/parent") }, "location");
        await RefusedAsync(new { name = "A", kind = "local", location = Folder("a"), bucket = "x" }, "bucket");
        await RefusedAsync(new { name = "A", kind = "s3", endpoint = "ftp://x", bucket = "bucket", accessKey = "a", secretKey = "b" }, "endpoint");
        await RefusedAsync(new { name = "A", kind = "s3", endpoint = "https://s3.example.org", bucket = "B", accessKey = "a", secretKey = "b" }, "bucket");
        await RefusedAsync(new { name = "A", kind = "s3", endpoint = "https://s3.example.org", bucket = "bucket" }, "secretKey");
        Directory.Exists(Folder("a")).ShouldBeFalse();

        Directory.CreateDirectory(Folder("used"));
        await File.WriteAllTextAsync(Path.Combine(Folder("used"), "letter.txt"), "dear");
        var used = await _console.Rest.PostAsJsonAsync("/api/v1/repositories", new { name = "A", kind = "local", location = Folder("used") });
        used.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await used.Content.ReadAsStringAsync()).ShouldContain("letter.txt");

        await AddAsync(new { name = "One", kind = "local", location = Folder("one") });
        (await _console.Rest.PostAsJsonAsync("/api/v1/repositories", new { name = "ONE", kind = "local", location = Folder("two") })).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        Directory.Exists(Folder("two")).ShouldBeFalse();
        (await _console.Rest.PostAsJsonAsync("/api/v1/repositories", new { name = "Two", kind = "local", location = Folder("one") })).StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task An_S3_endpoint_with_a_private_address_is_refused()
    {
        var answer = await _console.Rest.PostAsJsonAsync("/api/v1/repositories", new { name = "Inside", kind = "s3", endpoint = "http://127.0.0.1:9", bucket = "bucket", accessKey = "a", secretKey = "b" });
        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("private address");
    }

    [Fact]
    public async Task Viewers_see_and_do_not_touch()
    {
        var token = await (await _console.Rest.PostAsJsonAsync("/api/v1/tokens", new { name = "viewer", role = "viewer" })).Content.ReadFromJsonAsync<JsonElement>();
        using var viewer = _console.Client(token.GetProperty("token").GetString());
        (await viewer.GetAsync("/api/v1/repositories")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await viewer.PostAsJsonAsync("/api/v1/repositories", new { name = "A", kind = "local", location = Folder("a") })).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await viewer.GetAsync($"/api/v1/repositories/{Guid.NewGuid()}/key")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }
}
