using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Vms;

/// <summary>The few REST calls that the tests of VM pages need.</summary>
internal static class VmRest
{
    /// <summary>Adds a host and waits until it is connected.</summary>
    public static async Task<Guid> AddHostAsync(this TestConsole console, string name, string uri, int seconds = 60)
    {
        var added = await console.Rest.PostAsJsonAsync("/api/v1/hosts", new { name, uri });
        added.StatusCode.ShouldBe(System.Net.HttpStatusCode.Created, await added.Content.ReadAsStringAsync());
        var id = (await added.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
        await console.UntilAsync($"/api/v1/hosts/{id}", host => host.GetProperty("state").GetString() == "connected", seconds);
        return id;
    }

    /// <summary>Reads an address until it says what is waited for.</summary>
    public static async Task<JsonElement> UntilAsync(this TestConsole console, string path, Func<JsonElement, bool> holds, int seconds = 60)
    {
        JsonElement last = default;
        for (var end = DateTime.UtcNow.AddSeconds(seconds); DateTime.UtcNow < end; await Task.Delay(100))
        {
            last = await console.Rest.GetFromJsonAsync<JsonElement>(path);
            if (holds(last)) return last;
        }
        throw new TimeoutException($"{path} still says {last.GetRawText()}");
    }

    /// <summary>Waits for the operation of a 202.</summary>
    public static async Task<JsonElement> EndAsync(this TestConsole console, HttpResponseMessage accepted)
    {
        accepted.StatusCode.ShouldBe(System.Net.HttpStatusCode.Accepted, await accepted.Content.ReadAsStringAsync());
        var id = (await accepted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("operationId").GetString();
        accepted.Headers.Location!.ToString().ShouldBe($"/api/v1/operations/{id}");
        var ended = await console.UntilAsync($"/api/v1/operations/{id}", o => o.GetProperty("state").GetString() is not ("queued" or "running"));
        ended.GetProperty("state").GetString().ShouldBe("succeeded", ended.GetRawText());
        return ended;
    }
}
