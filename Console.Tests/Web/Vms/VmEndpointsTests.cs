using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Vms;

/// <summary>REST of hosts and VMs on libvirt's mock driver: shapes, statuses, problems.</summary>
public sealed class VmEndpointsTests : IAsyncLifetime
{
    private TestConsole _console = default!;
    private Guid _host;

    public async Task InitializeAsync()
    {
        _console = await TestConsole.StartAsync();
        _host = await _console.AddHostAsync("mock", await MockHost.WriteAsync(_console));
    }

    public Task DisposeAsync() => _console.DisposeAsync().AsTask();

    private HttpClient Rest => _console.Rest;

    [Fact]
    public async Task A_host_is_added_listed_renamed_taken_out_of_use_and_forgotten()
    {
        var host = await Rest.GetFromJsonAsync<JsonElement>($"/api/v1/hosts/{_host}");
        foreach (var field in new[] { "id", "name", "uri", "state", "version" }) Names(host).ShouldContain(field);
        host.GetProperty("uri").GetString().ShouldStartWith("test:///");

        var list = await Rest.GetFromJsonAsync<JsonElement>("/api/v1/hosts?search=moc");
        Names(list).ShouldBe(["items", "total", "page", "pageSize"], ignoreOrder: true);
        list.GetProperty("total").GetInt32().ShouldBe(1);

        var patched = await Rest.PatchAsJsonAsync($"/api/v1/hosts/{_host}", new { name = "renamed", maintenance = true });
        patched.StatusCode.ShouldBe(HttpStatusCode.OK);
        var after = await patched.Content.ReadFromJsonAsync<JsonElement>();
        after.GetProperty("name").GetString().ShouldBe("renamed");
        after.GetProperty("state").GetString().ShouldBe("maintenance");

        (await Rest.DeleteAsync($"/api/v1/hosts/{_host}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await Rest.GetAsync($"/api/v1/hosts/{_host}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await Rest.GetFromJsonAsync<JsonElement>("/api/v1/vms")).GetProperty("total").GetInt32().ShouldBe(0);
    }

    [Theory]
    [InlineData("qemu+ext:///system?command=/bin/sh")]
    [InlineData("qemu:///system?socket=/etc/passwd")]
    [InlineData("test:///etc/passwd")]
    [InlineData("file:///x")]
    [InlineData("")]
    public async Task A_host_uri_outside_the_allow_list_is_refused_by_name(string uri)
    {
        var answer = await Rest.PostAsJsonAsync("/api/v1/hosts", new { name = "bad", uri });
        answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        problem.GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe("uri");
        problem.GetProperty("errors")[0].GetProperty("remedy").GetString().ShouldNotBeNullOrWhiteSpace();
    }

    [Fact]
    public async Task A_vm_is_listed_with_the_fixed_shape_and_found_by_every_filter()
    {
        var list = await Rest.GetFromJsonAsync<JsonElement>("/api/v1/vms");
        var vm = list.GetProperty("items")[0];
        foreach (var field in new[] { "id", "name", "hostId", "state", "vcpus", "memoryMiB", "disks", "tags" }) Names(vm).ShouldContain(field);
        vm.GetProperty("state").GetString().ShouldBe("running");

        await TotalAsync($"hostId={_host}", 1);
        await TotalAsync($"hostId={Guid.NewGuid()}", 0);
        await TotalAsync("state=running", 1);
        await TotalAsync("state=off", 0);
        await TotalAsync("tag=nobody", 0);
        await TotalAsync("search=TES", 1);
        await TotalAsync($"search={vm.GetProperty("id").GetString()}", 1);

        foreach (var (query, field) in new[] { ("hostId=x", "hostId"), ("state=Running", "state"), ("state=0", "state"), ("sort=disks", "sort"), ("pageSize=501", "pageSize"), ("page=0", "page") })
        {
            var answer = await Rest.GetAsync($"/api/v1/vms?{query}");
            answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity, query);
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe(field);
        }
    }

    [Fact]
    public async Task Power_actions_answer_an_operation_and_change_the_state()
    {
        var vm = await VmAsync();
        foreach (var (action, state) in new[] { ("pause", "paused"), ("resume", "running"), ("reboot", "running"), ("stop", "off"), ("start", "running"), ("shutdown", "off") })
        {
            await _console.EndAsync(await Rest.PostAsync($"/api/v1/vms/{vm}/actions/{action}", null));
            await _console.UntilAsync($"/api/v1/vms/{vm}", v => v.GetProperty("state").GetString() == state, 30);
        }
        (await Rest.PostAsync($"/api/v1/vms/{vm}/actions/explode", null)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await Rest.PostAsync($"/api/v1/vms/{Guid.NewGuid()}/actions/start", null)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_vm_is_edited_and_tagged_and_a_wrong_field_is_named()
    {
        var vm = await VmAsync();
        var edited = await Rest.PatchAsJsonAsync($"/api/v1/vms/{vm}", new { tags = new[] { "web", "Prod" } });
        edited.StatusCode.ShouldBe(HttpStatusCode.OK, await edited.Content.ReadAsStringAsync());
        var body = await edited.Content.ReadFromJsonAsync<JsonElement>();
        body.GetProperty("id").GetString().ShouldBe(vm);
        body.GetProperty("tags").EnumerateArray().Select(t => t.GetString()).ShouldBe(["prod", "web"]);
        body.GetProperty("atNextStart").ValueKind.ShouldBe(JsonValueKind.Array);
        await TotalAsync("tag=web", 1);
        (await Rest.GetFromJsonAsync<string[]>("/api/v1/vms/tags")).ShouldBe(["prod", "web"]);

        var refused = await Rest.PatchAsJsonAsync($"/api/v1/vms/{vm}", new { vcpus = 0 });
        refused.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe("vcpus");
        var unknown = await Rest.PatchAsJsonAsync($"/api/v1/vms/{vm}", new { memory = 5 });
        (await unknown.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe("memory");
        (await Rest.PatchAsJsonAsync($"/api/v1/vms/{Guid.NewGuid()}", new { vcpus = 0 })).StatusCode.ShouldBe(HttpStatusCode.NotFound, "404 comes before 422");
    }

    [Fact]
    public async Task Metrics_and_the_screen_answer_and_a_vm_without_a_screen_says_so()
    {
        var vm = await VmAsync();
        var metrics = await Rest.GetFromJsonAsync<JsonElement>($"/api/v1/vms/{vm}/metrics");
        metrics.GetProperty("intervalSeconds").GetInt32().ShouldBeGreaterThan(0);
        metrics.GetProperty("samples").ValueKind.ShouldBe(JsonValueKind.Array);
        var screenshot = await Rest.GetAsync($"/api/v1/vms/{vm}/screenshot");
        if (screenshot.IsSuccessStatusCode) screenshot.Content.Headers.ContentType!.MediaType.ShouldBe("image/png");
        else screenshot.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    private async Task<string> VmAsync() =>
        (await Rest.GetFromJsonAsync<JsonElement>("/api/v1/vms?pageSize=1")).GetProperty("items")[0].GetProperty("id").GetString()!;

    private async Task TotalAsync(string query, int total) =>
        (await Rest.GetFromJsonAsync<JsonElement>($"/api/v1/vms?{query}")).GetProperty("total").GetInt32().ShouldBe(total, query);

    private static IEnumerable<string> Names(JsonElement value) => value.EnumerateObject().Select(p => p.Name);
}
