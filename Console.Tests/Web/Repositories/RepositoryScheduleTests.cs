using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Repositories;

/// <summary>What a repository does by itself.</summary>
public sealed class RepositoryScheduleTests(RepositoryConsole shared) : IClassFixture<RepositoryConsole>
{
    private readonly TestConsole _console = shared.Console;

    private async Task<string> AddAsync(string name, bool appendOnly = false)
    {
        var answer = await _console.Rest.PostAsJsonAsync("/api/v1/repositories", new { name, kind = "local", location = Path.Combine(_console.Data, name), appendOnly });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private async Task<JsonElement[]> SchedulesAsync(string name) =>
        [.. (await _console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/schedules?search={name}")).GetProperty("items").EnumerateArray()];

    [Fact]
    public async Task A_repository_verifies_itself_on_schedule_and_its_schedules_end_with_it()
    {
        var id = await AddAsync("nightly");
        var rule = new { cron = "0 3 * * SUN", timeZone = "UTC" };
        var set = await _console.Rest.PutAsJsonAsync($"/api/v1/repositories/{id}/schedules", new { verify = rule, collect = new { cron = "30 4 * * *", timeZone = "UTC" } });
        set.StatusCode.ShouldBe(HttpStatusCode.OK, await set.Content.ReadAsStringAsync());
        var now = await _console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/repositories/{id}/schedules");
        now.GetProperty("verify").GetProperty("nextRunAt").GetDateTimeOffset().DayOfWeek.ShouldBe(DayOfWeek.Sunday);
        now.GetProperty("prune").ValueKind.ShouldBe(JsonValueKind.Null);
        (await SchedulesAsync("nightly")).Select(s => s.GetProperty("action").GetString()).ShouldBe(["repository.verify", "repository.collect"], ignoreOrder: true);

        var verify = now.GetProperty("verify").GetProperty("id").GetString();
        var run = await _console.Rest.PostAsync($"/api/v1/schedules/{verify}/actions/run", null);
        run.StatusCode.ShouldBe(HttpStatusCode.Accepted, await run.Content.ReadAsStringAsync());
        for (var until = DateTime.UtcNow.AddSeconds(60); ; await Task.Delay(100))
        {
            var repository = await _console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/repositories/{id}");
            if (repository.GetProperty("verifiedAt").ValueKind is not JsonValueKind.Null) break;
            DateTime.UtcNow.ShouldBeLessThan(until, "it was not verified");
        }
        (await _console.Rest.DeleteAsync($"/api/v1/schedules/{verify}")).StatusCode.ShouldBe(HttpStatusCode.Conflict); // it is a part of the repository
        (await _console.Rest.DeleteAsync($"/api/v1/repositories/{id}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await SchedulesAsync("nightly")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_wrong_rule_is_named_and_nothing_is_set()
    {
        var id = await AddAsync("wrong");
        var answer = await _console.Rest.PutAsJsonAsync($"/api/v1/repositories/{id}/schedules", new { verify = new { cron = "0 3 * * *", timeZone = "UTC" }, collect = new { cron = "never", timeZone = "UTC" } });
        answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("field").GetString()).ShouldBe(["collect.cron"]);
        (await SchedulesAsync("wrong")).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_append_only_repository_can_be_verified_by_itself_and_never_pruned()
    {
        var id = await AddAsync("vault", appendOnly: true);
        var rule = new { cron = "0 3 * * *", timeZone = "UTC" };
        (await _console.Rest.PutAsJsonAsync($"/api/v1/repositories/{id}/schedules", new { collect = rule })).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await _console.Rest.PutAsJsonAsync($"/api/v1/repositories/{id}/schedules", new { verify = rule })).StatusCode.ShouldBe(HttpStatusCode.OK);
        var own = await _console.Rest.PostAsJsonAsync("/api/v1/schedules", new { name = "sly", action = "repository.prune", input = new { repositoryId = id }, cron = "0 3 * * *", timeZone = "UTC" });
        own.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task An_operator_may_verify_by_hand_and_set_no_standing_order_that_removes()
    {
        var id = await AddAsync("roles");
        var token = await (await _console.Rest.PostAsJsonAsync("/api/v1/tokens", new { name = "roles", role = "operator" })).Content.ReadFromJsonAsync<JsonElement>();
        using var oper = _console.Client(token.GetProperty("token").GetString());
        var rule = new { cron = "0 3 * * *", timeZone = "UTC" };
        (await oper.PutAsJsonAsync($"/api/v1/repositories/{id}/schedules", new { verify = rule })).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await oper.PostAsJsonAsync("/api/v1/schedules", new { name = "sly", action = "repository.prune", input = new { repositoryId = id }, cron = "0 3 * * *", timeZone = "UTC" })).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await oper.PostAsync($"/api/v1/repositories/{id}/actions/verify", null)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }
}
