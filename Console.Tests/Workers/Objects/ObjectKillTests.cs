using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Quarterdeck.Tests.Integration.RunningConsole;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>kill -9 of the real console while durable objects write. What it prints is kept in docs/measurements.</summary>
public sealed class ObjectKillTests(ITestOutputHelper output)
{
    private const int Objects = 4, Writers = 8, Rounds = 3, Enough = 60;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact, Trait("Category", "Long")]
    public async Task What_objects_acknowledged_is_there_once_after_the_console_was_killed_while_they_wrote()
    {
        await using var console = new ConsoleProcess();
        var front = new Uri($"http://127.0.0.1:{ConsoleProcess.FreePort()}");
        (console.Settings["QUARTERDECK_WORKER_URLS"], console.Settings["Quarterdeck__Workers__Servers__Shards"], console.Settings["Quarterdeck__Hosts__FirstHost"]) = (front.ToString().TrimEnd('/'), "1", "");
        await console.StartAsync();
        await DeployAsync(console);
        var acknowledged = new ConcurrentDictionary<string, int>();
        var failed = 0;
        for (var round = 0; round < Rounds; round++)
        {
            using var ending = new CancellationTokenSource();
            var before = acknowledged.Count;
            var writers = Enumerable.Range(0, Writers).Select(w => Task.Run(async () =>
            {
                using var client = new HttpClient();
                for (var i = 0; !ending.IsCancellationRequested; i++)
                {
                    var (at, token) = (w % Objects, $"r{round}w{w}n{i}");
                    if (await TryAsync(client, front, $"/o{at}/note?a=[\"{token}\"]") == $"\"{token}\"") acknowledged[token] = at;
                    else
                    {
                        Interlocked.Increment(ref failed);
                        await Task.Delay(20);
                    }
                }
            })).ToArray();
            await UntilAsync(() => Task.FromResult(acknowledged.Count >= before + Enough), "the objects write");
            await console.KillAsync();
            await ending.CancelAsync();
            await Task.WhenAll(writers);
            await console.StartAsync();

            using var reader = new HttpClient();
            for (var at = 0; at < Objects; at++)
            {
                var kept = "";
                await UntilAsync(async () => (kept = await TryAsync(reader, front, $"/o{at}/notes") ?? "").StartsWith("[[", StringComparison.Ordinal), $"the object {at} answers: {kept}");
                var (rows, values) = (Of(kept, 0), Of(kept, 1));
                // Both writes of a call, or neither; and nothing twice.
                rows.ShouldBe(values, ignoreOrder: true);
                rows.ShouldBeUnique();
                acknowledged.Where(a => a.Value == at).Select(a => a.Key).Except(rows).ShouldBeEmpty();
            }
            output.WriteLine($"killed while {Writers} callers wrote into {Objects} objects: {acknowledged.Count} writes acknowledged so far, {acknowledged.Count} there; {failed} calls failed");
        }
    }

    private static List<string> Of(string answer, int part) => [.. JsonDocument.Parse(answer).RootElement[part].EnumerateArray().Select(e => e.GetString()!)];

    private static async Task<string?> TryAsync(HttpClient client, Uri front, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(front, path));
        request.Headers.Host = "notes.test";
        try
        {
            using var answer = await client.SendAsync(request);
            return await answer.Content.ReadAsStringAsync();
        }
        catch (HttpRequestException) { return null; }
    }

    private static async Task DeployAsync(ConsoleProcess console)
    {
        using var rest = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{console.Port}") };
        rest.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", console.Token);
        using var form = new MultipartFormDataContent
        {
            { new StringContent("""{"mainModule":"main.js","bindings":{"COUNTERS":{"type":"durable_object","class":"Counter"}}}""", Encoding.UTF8, "application/json"), "metadata" },
            { new StringContent(ObjectLab.Version("one"), Encoding.UTF8, "application/javascript"), "main.js", "main.js" },
        };
        using var made = await rest.PutAsync("/api/v1/workers/notes", form);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        using var zone = await rest.PutAsJsonAsync("/api/v1/zones/notes.test", new { routes = new[] { new { pattern = "/*", worker = "notes" } } });
        Assert.True(zone.IsSuccessStatusCode, await zone.Content.ReadAsStringAsync());
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        for (var until = DateTime.UtcNow + Limit; !await holds(); await Task.Delay(20))
            if (DateTime.UtcNow > until) throw new TimeoutException($"It never happened: {what}.");
    }
}
