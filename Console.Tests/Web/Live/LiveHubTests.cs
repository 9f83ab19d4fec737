using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Api;

namespace Quarterdeck.Tests.Web.Live;

[Collection("rest")]
public sealed class LiveHubTests(SharedConsole shared)
{
    private readonly TestConsole _console = shared.Console;

    private Task<HubClient> ConnectAsync(string token = TestConsole.Token) =>
        HubClient.ConnectAsync(_console, o => o.SetRequestHeader("Authorization", "Bearer " + token));

    [Fact]
    public async Task A_subscriber_gets_a_snapshot_then_changes_then_what_is_removed()
    {
        await using var hub = await ConnectAsync();
        await using var messages = hub.SubscribeAsync("hosts").GetAsyncEnumerator();
        (await messages.MoveNextAsync()).ShouldBeTrue();
        messages.Current.GetProperty("kind").GetString().ShouldBe("snapshot");

        var host = await AddHostAsync();
        await UntilAsync(messages, m => m.GetProperty("kind").GetString() == "change" && Ids(m).Contains(host));
        messages.Current.GetProperty("items")[0].GetProperty("uri").GetString().ShouldBe("test:///default");

        (await _console.Rest.DeleteAsync($"/api/v1/hosts/{host}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await UntilAsync(messages, m => m.GetProperty("kind").GetString() == "removed" && Ids(m).Contains(host));
    }

    [Fact]
    public async Task A_filter_lets_only_fitting_items_through_and_says_when_one_fits_no_more()
    {
        var host = await AddHostAsync();
        try
        {
            await using var hub = await ConnectAsync();
            await using var messages = hub.SubscribeAsync("hosts", new { id = host, state = "connected" }).GetAsyncEnumerator();
            await UntilAsync(messages, m => Ids(m).Contains(host));
            await _console.Rest.PatchAsJsonAsync($"/api/v1/hosts/{host}", new { maintenance = true });
            await UntilAsync(messages, m => m.GetProperty("kind").GetString() == "removed");
            Ids(messages.Current).ShouldBe([host]);
        }
        finally { await _console.Rest.DeleteAsync($"/api/v1/hosts/{host}"); }
    }

    [Fact]
    public async Task An_unknown_topic_is_refused_and_the_known_ones_are_named()
    {
        await using var hub = await ConnectAsync();
        var refusal = await Should.ThrowAsync<InvalidOperationException>(async () => { await foreach (var _ in hub.SubscribeAsync("secrets")) { } });
        refusal.Message.ShouldContain("hosts, operations, plugins, recovery-points, vms");
    }

    [Fact]
    public async Task Without_a_token_or_with_a_wrong_one_there_is_no_connection()
    {
        (await Should.ThrowAsync<WebSocketException>(() => HubClient.ConnectAsync(_console, _ => { }))).Message.ShouldContain("401");
        (await Should.ThrowAsync<WebSocketException>(() => ConnectAsync("wrong"))).Message.ShouldContain("401");
    }

    [Fact]
    public async Task A_browser_may_send_its_token_in_the_address_but_not_from_another_site()
    {
        await using (var hub = await HubClient.ConnectAsync(_console, o => o.SetRequestHeader("Origin", _console.Url.GetLeftPart(UriPartial.Authority)), "access_token=" + TestConsole.Token))
        {
            await using var messages = hub.SubscribeAsync("operations").GetAsyncEnumerator();
            (await messages.MoveNextAsync()).ShouldBeTrue();
        }
        (await Should.ThrowAsync<WebSocketException>(() =>
            HubClient.ConnectAsync(_console, o => o.SetRequestHeader("Origin", "https://evil.example"), "access_token=" + TestConsole.Token))).Message.ShouldContain("403");
    }

    [Fact]
    public async Task A_token_narrowed_to_other_scopes_is_refused_in_words()
    {
        var made = await (await _console.Rest.PostAsJsonAsync("/api/v1/tokens", new { name = "narrow-" + Guid.NewGuid().ToString("N")[..6], role = "viewer", scopes = new[] { "vms.read" } })).Content.ReadFromJsonAsync<JsonElement>();
        await using var hub = await ConnectAsync(made.GetProperty("token").GetString()!);
        var refusal = await Should.ThrowAsync<InvalidOperationException>(async () => { await foreach (var _ in hub.SubscribeAsync("hosts")) { } });
        refusal.Message.ShouldContain("hosts.read");
    }

    [Fact]
    public async Task A_revoked_token_gets_nothing_more_from_a_connection_that_is_open()
    {
        var made = await (await _console.Rest.PostAsJsonAsync("/api/v1/tokens", new { name = "short-" + Guid.NewGuid().ToString("N")[..6], role = "viewer" })).Content.ReadFromJsonAsync<JsonElement>();
        await using var hub = await ConnectAsync(made.GetProperty("token").GetString()!);
        await using var messages = hub.SubscribeAsync("hosts").GetAsyncEnumerator();
        (await messages.MoveNextAsync()).ShouldBeTrue();
        (await _console.Rest.DeleteAsync($"/api/v1/tokens/{made.GetProperty("id").GetString()}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await Task.Delay(3500);
        var host = await AddHostAsync();
        try { (await Should.ThrowAsync<InvalidOperationException>(async () => await messages.MoveNextAsync())).Message.ShouldContain("revoked"); }
        finally { await _console.Rest.DeleteAsync($"/api/v1/hosts/{host}"); }
    }

    private async Task<string> AddHostAsync()
    {
        // The mock driver has one URI, so a test that left it behind is cleaned up after.
        foreach (var old in (await _console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/hosts")).GetProperty("items").EnumerateArray())
            await _console.Rest.DeleteAsync($"/api/v1/hosts/{old.GetProperty("id").GetString()}");
        var answer = await _console.Rest.PostAsJsonAsync("/api/v1/hosts", new { name = "hub-" + Guid.NewGuid().ToString("N")[..6], uri = "test:///default" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private static string[] Ids(JsonElement message) => [.. message.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()!)];

    private static async Task UntilAsync(IAsyncEnumerator<JsonElement> messages, Func<JsonElement, bool> wanted)
    {
        long sequence = -1;
        while (await messages.MoveNextAsync())
        {
            messages.Current.GetProperty("sequence").GetInt64().ShouldBeGreaterThanOrEqualTo(sequence);
            sequence = messages.Current.GetProperty("sequence").GetInt64();
            if (wanted(messages.Current)) return;
        }
        throw new InvalidOperationException("The stream ended.");
    }
}
