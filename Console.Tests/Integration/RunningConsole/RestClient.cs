using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>The REST interface as an outside program uses it: nothing but HTTP and JSON.</summary>
internal sealed class RestClient : IDisposable
{
    private static readonly string[] Final = ["succeeded", "warning", "failed", "cancelled", "lost"];
    private readonly HttpClient _http;

    public RestClient(Uri address, string token)
    {
        _http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(5) }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public async Task<bool> IsReadyAsync()
    {
        try { return (await _http.GetAsync("/healthz/ready")).StatusCode == HttpStatusCode.OK; }
        catch (HttpRequestException) { return false; }
    }

    public async Task<string> ReadinessAsync()
    {
        try { return await (await _http.GetAsync("/healthz/ready")).Content.ReadAsStringAsync(); }
        catch (HttpRequestException e) { return e.Message; }
    }

    /// <summary>GET of a path under <c>/api/v1</c>; anything but 200 fails the test.</summary>
    public async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await _http.GetAsync("/api/v1" + path);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, $"GET {path}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>What is served under a path that is no JSON; anything but 200 fails the test.</summary>
    public async Task<byte[]> BytesAsync(string path)
    {
        using var answer = await _http.GetAsync("/api/v1" + path);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, $"GET {path}");
        return await answer.Content.ReadAsByteArrayAsync();
    }

    public async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var answer = await _http.GetAsync("/api/v1" + path);
        return answer.StatusCode;
    }

    /// <summary>Sends something that is answered by 202, and returns the operation's id.</summary>
    public async Task<string> AcceptedAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, "/api/v1" + path) { Content = body is null ? null : body as HttpContent ?? JsonContent.Create(body) };
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted, $"{method} {path}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text).GetProperty("operationId").GetString()!;
    }

    /// <summary>Sends something; returns the status and the answer's JSON.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body)> SentAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, "/api/v1" + path) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    /// <summary>The operation once it has ended, however it ended.</summary>
    public async Task<JsonElement> EndedAsync(string operation, int seconds = 120)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var now = await GetAsync($"/operations/{operation}");
            if (Final.Contains(now.GetProperty("state").GetString())) return now;
            if (clock.Elapsed.TotalSeconds > seconds) Assert.Fail($"The operation has not ended after {seconds} s: {now}");
            await Task.Delay(50);
        }
    }

    /// <summary>The operation once it has succeeded; any other end fails the test.</summary>
    public async Task<JsonElement> SucceededAsync(string operation, int seconds = 120)
    {
        var ended = await EndedAsync(operation, seconds);
        ended.GetProperty("state").GetString().ShouldBe("succeeded", ended.ToString());
        return ended;
    }

    /// <summary>The id of the local hypervisor, once it is connected.</summary>
    public async Task<string> LocalHostAsync()
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            var host = (await GetAsync("/hosts")).GetProperty("items").EnumerateArray().Single(h => h.GetProperty("uri").GetString()!.StartsWith("qemu:", StringComparison.Ordinal));
            var id = host.GetProperty("id").GetString()!;
            // Right after a restart the list has the state of before: the pools are asked of the hypervisor itself.
            if (await StatusAsync($"/hosts/{id}/pools") is HttpStatusCode.OK) return id;
            if (clock.Elapsed.TotalSeconds > 60) Assert.Fail($"The local hypervisor does not answer: {host}");
        }
    }

    public void Dispose() => _http.Dispose();
}
